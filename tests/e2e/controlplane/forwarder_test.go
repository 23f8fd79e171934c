package controlplane

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// forwarder passes connections on to one of its targets after the other, as a Service does.
type forwarder struct {
	Address string

	mutex    sync.Mutex
	listener net.Listener
	targets  []string
	next     int
	open     map[net.Conn]bool
}

func newForwarder(t *testing.T, targets ...string) *forwarder {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forwarder{Address: listener.Addr().String(), targets: targets, open: map[net.Conn]bool{}}
	f.serve(listener)
	t.Cleanup(f.cut)
	return f
}

func (f *forwarder) serve(listener net.Listener) {
	f.mutex.Lock()
	f.listener = listener
	f.mutex.Unlock()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go f.pass(from)
		}
	}()
}

func (f *forwarder) pass(from net.Conn) {
	defer f.forget(from)
	to, err := net.Dial("tcp", f.remember(from))
	if err != nil {
		return
	}
	f.mutex.Lock()
	f.open[to] = true
	f.mutex.Unlock()
	defer f.forget(to)
	go func() {
		io.Copy(to, from)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(from, to)
}

// remember says where a new connection goes.
func (f *forwarder) remember(from net.Conn) (target string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.open[from] = true
	f.next++
	return f.targets[f.next%len(f.targets)]
}

func (f *forwarder) forget(connection net.Conn) {
	connection.Close()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	delete(f.open, connection)
}

func (f *forwarder) add(target string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.targets = append(f.targets, target)
}

// remove: new connections no longer go there; those that are open stay.
func (f *forwarder) remove(target string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.targets = slices.DeleteFunc(slices.Clone(f.targets), func(other string) bool { return other == target })
}

// cut ends everything, as if the network were gone.
func (f *forwarder) cut() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.listener.Close()
	for connection := range f.open {
		connection.Close()
	}
}

// mend takes connections again, where it did before.
func (f *forwarder) mend() error {
	listener, err := net.Listen("tcp", f.Address)
	if err == nil {
		f.serve(listener)
	}
	return err
}
