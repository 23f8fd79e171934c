package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
)

var image = Image{
	Tags:   []string{"lab/shop:1"},
	Config: Config{User: "65532:65532", Entrypoint: []string{"/shop"}},
	Files: []File{
		{Path: "/shop", Mode: 0o755, Content: []byte("program")},
		{Path: "/var/log/shop", Mode: fs.ModeDir | 0o750, UID: 7, GID: 8},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/bin/sh", Target: "dash"},
	},
}

func TestTheOrderOfFilesMakesNoDifference(t *testing.T) {
	turned := image
	turned.Files = nil
	for _, file := range image.Files {
		turned.Files = append([]File{file}, turned.Files...)
	}
	if !bytes.Equal(written(t, image), written(t, turned)) {
		t.Error("the archives differ")
	}
	turned.Files[len(turned.Files)-1].Content = []byte("other")
	if bytes.Equal(written(t, image), written(t, turned)) {
		t.Error("other contents make the same archive")
	}
}

func TestTheManifestLeadsToTheConfigurationAndTheLayer(t *testing.T) {
	parts := read(t, written(t, image))
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	decode(t, parts["manifest.json"].content, &manifest)
	if len(manifest) != 1 || manifest[0].RepoTags[0] != "lab/shop:1" {
		t.Fatalf("%+v", manifest)
	}
	var config struct {
		Config Config
		Rootfs struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	decode(t, parts[manifest[0].Config].content, &config)
	layer := parts[manifest[0].Layers[0]].content
	if config.Rootfs.DiffIDs[0] != "sha256:"+digest(layer) {
		t.Errorf("%s is not the digest of the layer", config.Rootfs.DiffIDs[0])
	}
	if config.Config.User != "65532:65532" || config.Config.Entrypoint[0] != "/shop" {
		t.Errorf("%+v", config.Config)
	}
}

func TestTheLayerHoldsEveryFileWithItsOwnerModeAndFolders(t *testing.T) {
	layer, err := layerOf(image.Files)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, name := range read(t, layer).names() {
		part := read(t, layer)[name]
		lines = append(lines, fmt.Sprintf("%s %o %d:%d %s%s", name, part.Mode, part.Uid, part.Gid, part.content, part.Linkname))
	}
	expected := `bin/ 755 0:0 
bin/sh 777 0:0 dash
shop 755 0:0 program
tmp/ 1777 0:0 
var/ 755 0:0 
var/log/ 755 0:0 
var/log/shop/ 750 7:8 `
	if got := strings.Join(lines, "\n"); got != expected {
		t.Errorf("got\n%s\nexpected\n%s", got, expected)
	}
}

func TestFilesThatCannotLieTogetherAreRefused(t *testing.T) {
	for _, files := range [][]File{
		{{Path: "/a", Mode: 0o644}, {Path: "a", Mode: 0o644}},
		{{Path: "/a", Mode: 0o644}, {Path: "/a/b", Mode: 0o644}},
		{{Path: "/a", Target: "c"}, {Path: "/a/b", Mode: 0o644}},
	} {
		if err := Write(io.Discard, Image{Tags: []string{"a:1"}, Files: files}); err == nil {
			t.Errorf("%+v was taken", files)
		}
	}
}

func written(t *testing.T, image Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, image); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type part struct {
	tar.Header
	content []byte
	at      int
}

type parts map[string]part

func (p parts) names() []string {
	names := make([]string, len(p))
	for name, part := range p {
		names[part.at] = name
	}
	return names
}

func read(t *testing.T, archive []byte) parts {
	t.Helper()
	found := parts{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = part{*header, content, len(found)}
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
