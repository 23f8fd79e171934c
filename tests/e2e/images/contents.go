package images

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"multipod/e2e/images/archive"
)

// content is a part of an image: files that are found or made when it is built.
type content func(w *workshop) ([]archive.File, error)

// data is a file with this text.
func data(path, text string) content {
	return fixed(archive.File{Path: path, Mode: 0o644, Content: []byte(text)})
}

// folder is a folder of this user and group.
func folder(path string, owner int) content {
	return fixed(archive.File{Path: path, Mode: fs.ModeDir | 0o755, UID: owner, GID: owner})
}

// temporary is a folder for everybody.
func temporary() content {
	return fixed(archive.File{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777})
}

func link(path, target string) content {
	return fixed(archive.File{Path: path, Target: target})
}

// users are root, nobody and these, each NAME:ID with a group of the same name and number.
func users(others ...string) content {
	var passwd, group strings.Builder
	for _, user := range append([]string{"root:0", "nobody:65534"}, others...) {
		name, id, _ := strings.Cut(user, ":")
		fmt.Fprintf(&passwd, "%s:x:%s:%s::/tmp:/bin/sh\n", name, id, id)
		fmt.Fprintf(&group, "%s:x:%s:\n", name, id)
	}
	return both(data("/etc/passwd", passwd.String()), data("/etc/group", group.String()))
}

// host is a file of this machine, at its own place.
func host(path string) content {
	return hostAs(path, path)
}

func hostAs(path, at string) content {
	return func(*workshop) ([]archive.File, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, missing(path)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		return []archive.File{{Path: at, Mode: info.Mode().Perm(), Content: text}}, nil
	}
}

func certificates() content {
	return host("/etc/ssl/certs/ca-certificates.crt")
}

// debian are programs of this machine, and all that they need to start.
func debian(programs ...string) content {
	var parts []content
	for _, program := range programs {
		parts = append(parts, debianAs(program, program))
	}
	return both(parts...)
}

// debianAs is a program of this machine at another place.
func debianAs(program, at string) content {
	return func(w *workshop) ([]archive.File, error) {
		libraries, err := librariesOf(program)
		if err != nil {
			return nil, err
		}
		parts := []content{hostAs(program, at)}
		for _, library := range libraries {
			parts = append(parts, host(library))
		}
		return both(parts...)(w)
	}
}

// newest is the last of the files that a pattern finds, for paths with a version in them.
func newest(pattern string) string {
	found, _ := filepath.Glob(pattern)
	if len(found) == 0 {
		return pattern // which is then said to be missing
	}
	if strings.HasSuffix(pattern, "/") {
		return strings.TrimSuffix(found[len(found)-1], "/") + "/"
	}
	return found[len(found)-1]
}

// folderOf is a folder of this machine with all that is in it, at its own place.
func folderOf(path string) content {
	return func(w *workshop) ([]archive.File, error) {
		var parts []content
		err := filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
			// A link is what it leads to.
			if err == nil && !entry.IsDir() {
				parts = append(parts, host(at))
			}
			return err
		})
		if err != nil {
			return nil, missing(path)
		}
		return both(parts...)(w)
	}
}

// librariesOf asks the loader; a static program needs none.
func librariesOf(program string) ([]string, error) {
	if _, err := os.Stat(program); err != nil {
		return nil, missing(program)
	}
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil, nil
		}
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	var found []string
	for _, line := range strings.Split(string(out), "\n") {
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "/") {
				found = append(found, word)
			}
		}
	}
	return found, nil
}

func missing(path string) error {
	return fmt.Errorf("%s is missing; install the packages: apt-get install -y %s", path, strings.Join(Packages(), " "))
}

// busybox is the shell and everything that comes with it.
func busybox() content {
	return func(w *workshop) ([]archive.File, error) {
		out, err := exec.Command("busybox", "--list").Output()
		if err != nil {
			return nil, missing("busybox")
		}
		parts := []content{debianAs("/bin/busybox", "/bin/busybox")}
		for _, name := range strings.Fields(string(out)) {
			if name != "busybox" {
				parts = append(parts, link("/bin/"+name, "busybox"))
			}
		}
		return both(parts...)(w)
	}
}

// git is git with what it needs to fetch, serve and push over HTTP.
func git() content {
	const core = "/usr/lib/git-core/"
	parts := []content{
		debian("/usr/bin/git", core+"git-remote-http", core+"git-http-backend"),
		link(core+"git-remote-https", "git-remote-http"),
		folder("/usr/share/git-core/templates", 0),
	}
	for _, name := range []string{"git", "git-upload-pack", "git-receive-pack"} {
		parts = append(parts, link(core+name, "../../bin/git"))
	}
	return both(parts...)
}

// source is a file of the repository.
func source(path, at string) content {
	return func(w *workshop) ([]archive.File, error) {
		return hostAs(filepath.Join(w.options.Repository, path), at)(w)
	}
}

// program is a Go program that the folder of this name makes.
func program(folder, at string) content {
	return func(w *workshop) ([]archive.File, error) {
		built, err := w.compile(folder)
		if err != nil {
			return nil, err
		}
		return hostAs(built, at)(w)
	}
}

// multipod is the program that is under test, and nothing else if it is static, as what is given out is.
func multipod() content {
	return func(w *workshop) ([]archive.File, error) {
		if _, err := os.Stat(w.options.Multipod); err != nil {
			return nil, fmt.Errorf("there is no multipod at %s; build it first", w.options.Multipod)
		}
		path, err := filepath.Abs(w.options.Multipod)
		if err != nil {
			return nil, err
		}
		return debianAs(path, "/multipod")(w)
	}
}

// both are all the files of several parts; what two programs need in common is there once.
func both(parts ...content) content {
	return func(w *workshop) ([]archive.File, error) {
		var files []archive.File
		known := map[string]bool{}
		for _, part := range parts {
			more, err := part(w)
			if err != nil {
				return nil, err
			}
			for _, file := range more {
				if !known[file.Path] {
					known[file.Path] = true
					files = append(files, file)
				}
			}
		}
		return files, nil
	}
}

func fixed(file archive.File) content {
	return func(*workshop) ([]archive.File, error) { return []archive.File{file}, nil }
}
