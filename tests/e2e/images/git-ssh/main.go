// Serves git repositories over SSH to whoever has the right key, for reading.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

func main() {
	listen := flag.String("listen", ":22", "the address to listen on")
	root := flag.String("root", "/srv/git", "where the repositories lie")
	hostKey := flag.String("host-key", "", "the private key of this server")
	authorized := flag.String("authorized", "", "the public key of those who may read")
	flag.Parse()
	if err := serve(*listen, *root, *hostKey, *authorized); err != nil {
		fmt.Fprintln(os.Stderr, "git-ssh:", err)
		os.Exit(1)
	}
}

func serve(listen, root, hostKey, authorized string) error {
	config, err := configOf(hostKey, authorized)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go answer(connection, config, root)
	}
}

func configOf(hostKey, authorized string) (*ssh.ServerConfig, error) {
	text, err := os.ReadFile(hostKey)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", hostKey, err)
	}
	text, err = os.ReadFile(authorized)
	if err != nil {
		return nil, err
	}
	reader, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", authorized, err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(reader.Marshal()) {
			return nil, fmt.Errorf("the key %s may not read", ssh.FingerprintSHA256(key))
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	return config, nil
}

func answer(connection net.Conn, config *ssh.ServerConfig, root string) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, "git-ssh:", err)
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		if offered.ChannelType() != "session" {
			offered.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		if channel, requests, err := offered.Accept(); err == nil {
			go session(channel, requests, root)
		}
	}
}

// session runs the one command that reading needs.
func session(channel ssh.Channel, requests <-chan *ssh.Request, root string) {
	defer channel.Close()
	for request := range requests {
		var asked struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &asked) != nil {
			request.Reply(request.Type == "env", nil)
			continue
		}
		request.Reply(true, nil)
		status := struct{ Code uint32 }{upload(channel, asked.Command, root)}
		channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}

func upload(channel ssh.Channel, asked, root string) uint32 {
	name, isUpload := strings.CutPrefix(asked, "git-upload-pack ")
	if !isUpload {
		fmt.Fprintf(channel.Stderr(), "not allowed: %s\n", asked)
		return 1
	}
	command := exec.Command("git", "upload-pack", filepath.Join(root, filepath.Clean("/"+strings.Trim(name, "'"))))
	command.Stdout, command.Stderr = channel, channel.Stderr()
	input, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fmt.Fprintln(channel.Stderr(), err)
		return 1
	}
	go func() {
		io.Copy(input, channel)
		input.Close()
	}()
	if err := command.Wait(); err != nil {
		fmt.Fprintln(channel.Stderr(), err)
		return 1
	}
	return 0
}
