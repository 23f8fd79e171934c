// Package archive writes container images as the files that containerd imports: one layer, its configuration and a
// manifest. The same files make the same bytes, wherever and whenever.
package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
)

// Image is what one archive holds.
type Image struct {
	// Tags are names as people write them, such as "nginx:1.29". Whoever imports them completes them with the host
	// that they mean.
	Tags   []string
	Config Config
	Files  []File
}

// Config says how containers of the image start, in the words of the image specification.
type Config struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
}

// File is one entry of the layer: a folder or a file by its mode, or a link where a target is named.
type File struct {
	Path    string
	Mode    fs.FileMode
	UID     int
	GID     int
	Content []byte
	Target  string
}

// Write writes the image. Folders that no entry names are made, as root's.
func Write(out io.Writer, image Image) error {
	layer, err := layerOf(image.Files)
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64",
		"os":           "linux",
		"config":       image.Config,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
	})
	if err != nil {
		return err
	}
	configName, layerName := digest(config)+".json", digest(layer)+"/layer.tar"
	manifest, err := json.Marshal([]map[string]any{
		{"Config": configName, "RepoTags": image.Tags, "Layers": []string{layerName}},
	})
	if err != nil {
		return err
	}
	writer := tar.NewWriter(out)
	for _, file := range []File{
		{Path: configName, Mode: 0o644, Content: config},
		{Path: layerName, Mode: 0o644, Content: layer},
		{Path: "manifest.json", Mode: 0o644, Content: manifest},
	} {
		if err := write(writer, file); err != nil {
			return err
		}
	}
	return writer.Close()
}

func layerOf(files []File) ([]byte, error) {
	entries, err := withFolders(files)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	writer := tar.NewWriter(&layer)
	for _, entry := range entries {
		if err := write(writer, entry); err != nil {
			return nil, err
		}
	}
	err = writer.Close()
	return layer.Bytes(), err
}

// withFolders gives the entries in order, each after the folder that it is in.
func withFolders(files []File) ([]File, error) {
	entries := map[string]File{}
	for _, file := range files {
		file.Path = path.Clean("/" + file.Path)
		if _, twice := entries[file.Path]; twice {
			return nil, fmt.Errorf("%s is in the image twice", file.Path)
		}
		entries[file.Path] = file
	}
	for _, file := range files {
		for folder := path.Dir(path.Clean("/" + file.Path)); folder != "/"; folder = path.Dir(folder) {
			known, is := entries[folder]
			if !is {
				entries[folder] = File{Path: folder, Mode: fs.ModeDir | 0o755}
			} else if !known.Mode.IsDir() {
				return nil, fmt.Errorf("%s is no folder, but %s lies in it", folder, file.Path)
			}
		}
	}
	sorted := make([]File, 0, len(entries))
	for _, entry := range entries {
		sorted = append(sorted, entry)
	}
	sort.Slice(sorted, func(a, b int) bool { return sorted[a].Path < sorted[b].Path })
	return sorted, nil
}

func write(writer *tar.Writer, file File) error {
	header := &tar.Header{
		Name:   trimmed(file.Path),
		Mode:   modeOf(file.Mode),
		Uid:    file.UID,
		Gid:    file.GID,
		Format: tar.FormatPAX,
	}
	switch {
	case file.Target != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, file.Target, 0o777
	case file.Mode.IsDir():
		header.Typeflag = tar.TypeDir
		header.Name += "/"
	default:
		header.Typeflag, header.Size = tar.TypeReg, int64(len(file.Content))
	}
	if err := writer.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", file.Path, err)
	}
	_, err := writer.Write(file.Content)
	return err
}

// trimmed is the path as archives have it.
func trimmed(name string) string {
	if name[0] == '/' {
		return name[1:]
	}
	return name
}

// modeOf is the mode as Unix counts it.
func modeOf(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

func digest(content []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(content))
}
