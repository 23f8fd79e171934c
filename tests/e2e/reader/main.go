// Reads manifests as kubectl reads them, with kubectl's own reader, for tests that ask whether multipod reads the same.
//
// Each line of the standard input is the bytes of one file in hexadecimal; each line of the answer is what kubectl would
// look at: {"documents": [...]}, or {"error": "..."}.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		file, err := hex.DecodeString(line[:len(line)-1])
		if err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(read(file)); err != nil {
			log.Fatal(err)
		}
	}
}

// read does what FileVisitor and StreamVisitor of k8s.io/cli-runtime do, up to the first error.
func read(file []byte) answer {
	documents := []json.RawMessage{}
	text := transform.NewReader(bytes.NewReader(file), unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	decoder := yaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		var document json.RawMessage
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return answer{Documents: documents}
		} else if err != nil {
			return answer{Documents: documents, Error: err.Error()}
		}
		document = bytes.TrimSpace(document)
		if len(document) > 0 && !bytes.Equal(document, []byte("null")) {
			documents = append(documents, document)
		}
	}
}
