//go:build linux

package serve

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/walfs/walfs/test/fixture"
)

// patience is how long a test waits for a browser that hangs. It is long, since the machine may
// be busy.
const patience = 40 * time.Second

// browse starts a browser, which ends with the test.
func browse(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("there is no browser here: %v", err)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		flags = append(flags, chromedp.NoSandbox)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, close := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		close() // it waits for the browser's end
		end()
	})
	fixture.Must(t, chromedp.Do(ctx))
	return ctx
}

// tab is a tab of a browser with pages of a server in it. What goes wrong in it fails the test:
// errors and warnings on the console, requests that fail, and those to anybody else.
type tab struct {
	t      *testing.T
	s      *server
	ctx    context.Context
	mu     sync.Mutex // protects what follows
	asked  map[network.RequestID]string
	wrong  []string
	away   bool            // the server is: what fails is no fault
	took   int             // bytes of the answers
	expect map[string]bool // paths that are meant to fail
}

func (s *server) tab(t *testing.T, browser context.Context, path string) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	b := &tab{t: t, s: s, ctx: ctx, asked: map[network.RequestID]string{}, expect: map[string]bool{}}
	fixture.Must(t, chromedp.Listen(ctx, b.watch))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	t.Cleanup(func() {
		if t.Failed() {
			b.keep("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		end()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, wrong := range b.wrong {
			t.Error(wrong)
		}
	})
	b.size(1000, 800)
	b.open(path)
	return b
}

// watch takes note of what goes wrong.
func (b *tab) watch(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return
	}
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeLog && e.Type != runtime.ConsoleAPICalledTypeDebug && e.Type != runtime.ConsoleAPICalledTypeInfo {
			b.wrong = append(b.wrong, fmt.Sprintf("console: %s %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			if u, err := url.Parse(e.Entry.URL); err != nil || !b.expect[u.Path] {
				b.wrong = append(b.wrong, fmt.Sprintf("console: %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
			}
		}
	case *network.EventRequestWillBeSent:
		b.asked[e.RequestID] = e.Request.URL
		if !strings.HasPrefix(e.Request.URL, b.s.URL+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			b.wrong = append(b.wrong, "request to somebody else: "+e.Request.URL)
		}
	case *network.EventLoadingFinished:
		b.took += int(e.EncodedDataLength)
		delete(b.asked, e.RequestID)
	case *network.EventLoadingFailed:
		if !e.Canceled {
			b.wrong = append(b.wrong, fmt.Sprintf("request failed: %s: %s %s", b.asked[e.RequestID], e.ErrorText, e.BlockedReason))
		}
	case *network.EventResponseReceived:
		if u, err := url.Parse(e.Response.URL); err != nil || e.Response.Status >= 400 && !b.expect[u.Path] {
			b.wrong = append(b.wrong, fmt.Sprintf("%d for %s", e.Response.Status, e.Response.URL))
		}
	}
}

// mayFail is for a page that is an error.
func (b *tab) mayFail(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expect[path] = true
}

// gone says that the server goes: requests fail from now on.
func (b *tab) gone() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = true
}

// run does something in the tab. What is not done after patience hangs.
func run[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// call sends the browser a command.
func call[P, R any](b *tab, command cdp.Command[P, R], parameters P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, parameters); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(path string) {
	b.t.Helper()
	run(b, chromedp.Navigate(b.s.URL+path))
}

// size sets the window's size, in pixels.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	run(b, chromedp.EmulateViewport(width, height))
}

func (b *tab) dark(dark bool) {
	b.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}})
}

// eval gives what a script gives. A promise is awaited.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// await waits until a script gives true, on a page whose own scripts have begun.
func (b *tab) await(script string) {
	b.t.Helper()
	end := time.Now().Add(patience)
	for {
		// It fails while the page goes and another one comes.
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && Boolean("+script+")"))
		if ok && err == nil {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("waited in vain for %s: %v; at %s", script, err, eval[string](b, `location.href + " " + document.querySelector("main")?.innerText.replaceAll("\n", "|").slice(-600)`))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// bytes is how many came from the server so far.
func (b *tab) bytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.took
}

// close closes the tab before the test ends.
func (b *tab) close() {
	b.t.Helper()
	fixture.Must(b.t, chromedp.Cancel(b.ctx))
}

// back goes to the page before, as a person does: the browser may have kept it.
func (b *tab) back(by int) {
	b.t.Helper()
	eval[int](b, fmt.Sprintf("history.go(%d); 0", by))
}

// press presses keys, one after the other. What a key writes is left to the browser, as with a
// keyboard: a page can prevent it.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, name := range keys {
		for _, r := range name {
			k := kb.Keys[r]
			down := input.DispatchKeyEventParams{Type: kb.KeyDown, Key: k.Key, Code: k.Code, Text: k.Text, WindowsVirtualKeyCode: k.Windows}
			up := down
			up.Type, up.Text = kb.KeyUp, ""
			call(b, input.DispatchKeyEvent, down)
			call(b, input.DispatchKeyEvent, up)
		}
	}
}

// want fails unless a script gives true.
func (b *tab) want(script string) {
	b.t.Helper()
	if !eval[bool](b, "Boolean("+script+")") {
		b.t.Errorf("%s: not %s", eval[string](b, "location.href"), script)
	}
}

// path is the address without the server's.
func (b *tab) path() string {
	b.t.Helper()
	return strings.TrimPrefix(eval[string](b, "location.href"), b.s.URL)
}

// keep keeps a picture of the page.
func (b *tab) keep(name string) {
	b.t.Helper()
	folder := os.Getenv("WALFS_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Log(err)
		return
	}
	fixture.Must(b.t, os.MkdirAll(folder, 0o777))
	fixture.WriteFile(b.t, filepath.Join(folder, name+".png"), png)
}
