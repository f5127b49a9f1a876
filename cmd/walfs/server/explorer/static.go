package explorer

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
)

//go:embed static
var staticFiles embed.FS

// staticHash is in the addresses of all files in static/, and changes with any of them. So
// they can be kept for ever, and modules that import one another get what goes together.
var staticHash = hashStatic()

func hashStatic() string {
	h := sha256.New()
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := staticFiles.ReadFile(name)
		h.Write([]byte(name + "\x00"))
		h.Write(b)
		return err
	})
	if err != nil {
		panic(err) // they are part of the program
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// static is the address of a file in static/.
func static(name string) string { return "/static/" + staticHash + "/" + name }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("hash") != staticHash {
		http.Error(w, "This file is of another version of walfs. Load the page again.", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeFileFS(w, r, staticFiles, "static/"+r.PathValue("file"))
}
