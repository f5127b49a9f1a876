package explorer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/walfs/walfs/walcore/status"
)

// How much of an entry's JSON a page has. All of it can be a hundred megabytes.
const (
	jsonTokens   = 2500
	jsonBytes    = 96 << 10
	jsonElements = 10  // of an array, that are not folded
	jsonString   = 400 // bytes of a text
)

// jsonView writes JSON as HTML: names, texts and numbers in colours, the end of long arrays
// folded. Whatever the JSON says, it is text there.
type jsonView struct {
	tokens *json.Decoder
	all    string // address of the whole JSON
	left   int    // how many tokens may still be shown
	room   int    // how many bytes
}

// errCut: the page has enough of it.
var errCut = errors.New("cut")

// viewJSON shows JSON. all is the address of the whole.
func viewJSON(text []byte, all string) template.HTML {
	v := &jsonView{tokens: json.NewDecoder(bytes.NewReader(text)), all: all, left: jsonTokens, room: jsonBytes}
	v.tokens.UseNumber()
	var out strings.Builder
	err := v.value(&out, "\n")
	switch {
	case errors.Is(err, errCut):
		out.WriteString("\n" + v.link(fmt.Sprintf("… cut here: show all %s bytes", status.Grouped(uint64(len(text))))))
	case err != nil: // a decoder's texts are JSON
		out.WriteString("\n" + template.HTMLEscapeString(err.Error()))
	}
	return template.HTML(out.String()) //nolint:gosec // each text in it was escaped
}

func (v *jsonView) link(text string) string {
	return `<a href="` + template.HTMLEscapeString(v.all) + `">` + template.HTMLEscapeString(text) + `</a>`
}

func (v *jsonView) token() (json.Token, error) {
	if v.left--; v.left < 0 || v.room < 0 {
		return nil, errCut
	}
	return v.tokens.Token()
}

// value writes the next value. Lines in it begin with indent.
func (v *jsonView) value(out *strings.Builder, indent string) error {
	token, err := v.token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return v.object(out, indent)
	case json.Delim('['):
		return v.array(out, indent)
	}
	v.scalar(out, token)
	return nil
}

func (v *jsonView) object(out *strings.Builder, indent string) error {
	out.WriteByte('{')
	n := 0
	for ; v.tokens.More(); n++ {
		name, err := v.token()
		if err != nil {
			return err
		}
		if n > 0 {
			out.WriteByte(',')
		}
		out.WriteString(indent + "  ")
		text, _ := name.(string)
		v.span(out, "jk", text)
		out.WriteString(": ")
		if err := v.value(out, indent+"  "); err != nil {
			return err
		}
	}
	return v.end(out, n, indent, '}')
}

// array writes an array. The elements behind the first ones are folded.
func (v *jsonView) array(out *strings.Builder, indent string) error {
	out.WriteByte('[')
	var folded strings.Builder
	n, err := 0, error(nil)
	for ; v.tokens.More() && err == nil; n++ {
		to := out
		if n >= jsonElements {
			to = &folded
		}
		if n > 0 {
			to.WriteByte(',')
		}
		to.WriteString(indent + "  ")
		err = v.value(to, indent+"  ")
	}
	if n > jsonElements {
		count := status.Grouped(uint64(n-jsonElements)) + " more"
		if err != nil {
			count += ", and others"
		}
		out.WriteString("<details><summary>" + count + "</summary>" + strings.TrimPrefix(folded.String(), "\n") + "</details>")
	}
	if err != nil {
		return err
	}
	return v.end(out, n, indent, ']')
}

// end writes the closing brace of n values, in a line of its own if there are any.
func (v *jsonView) end(out *strings.Builder, n int, indent string, brace byte) error {
	if _, err := v.tokens.Token(); err != nil {
		return err
	}
	if n > 0 {
		out.WriteString(indent)
	}
	out.WriteByte(brace)
	return nil
}

func (v *jsonView) scalar(out *strings.Builder, token json.Token) {
	switch t := token.(type) {
	case string:
		v.span(out, "js", t)
	case json.Number:
		fmt.Fprintf(out, `<span class="jn">%s</span>`, template.HTMLEscapeString(t.String()))
	default:
		text, _ := json.Marshal(t) // null, true or false
		fmt.Fprintf(out, `<span class="jl">%s</span>`, text)
	}
}

// span writes a text as JSON has it, or its beginning.
func (v *jsonView) span(out *strings.Builder, class, text string) {
	shown := text
	if len(text) > jsonString {
		n := jsonString * 3 / 4
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		shown = text[:n]
	}
	v.room -= len(shown)
	fmt.Fprintf(out, `<span class="%s">%s</span>`, class, template.HTMLEscapeString(quotedJSON(shown)))
	if len(shown) < len(text) {
		out.WriteString("… " + v.link(fmt.Sprintf("show all %s bytes", status.Grouped(uint64(len(text))))))
	}
}

// quotedJSON is a text as JSON has it. HTML's characters stay as they are.
func quotedJSON(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text has no error
	return strings.TrimSuffix(b.String(), "\n")
}
