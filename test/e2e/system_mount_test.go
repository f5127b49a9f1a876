//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/walfs/walfs/test/fixture"
)

// withHelper runs a script as root in a mount namespace of its own, in which walfs is
// installed as a package would install it: in /usr/sbin, and as mount(8)'s helper. The
// script has the directory as $D, the mountpoint as $M and a folder for files as $T.
func withHelper(t *testing.T, script string) (out string, code int) {
	t.Helper()
	needRoot(t)
	needFUSE(t)
	need(t, "unshare", "mount")
	temp := t.TempDir()
	sbin := filepath.Join(temp, "sbin")
	for _, dir := range []string{sbin, filepath.Join(temp, "mnt")} {
		fixture.Must(t, os.Mkdir(dir, 0o755))
	}
	for _, name := range []string{"walfs", "mount.walfs"} {
		fixture.Must(t, os.Symlink(walfs, filepath.Join(sbin, name)))
	}
	setup := `mount -t overlay overlay -o "lowerdir=$T/sbin:/usr/sbin" /usr/sbin || exit 99
end() { walfs umount "${1:-$M}" || echo "umount: $?"; }
`
	cmd := exec.Command("timeout", "-k", "1", "200", "unshare", "-m", "--propagation", "private", "sh", "-c", setup+script)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "T="+temp, "D="+fixture.Dir(t, "alpha"), "M="+filepath.Join(temp, "mnt"))
	b, _ := cmd.CombinedOutput()
	return strings.ReplaceAll(string(b), noSystemLog(string(b)), ""), cmd.ProcessState.ExitCode()
}

// noSystemLog is the line that a mount says where the machine has no system log.
func noSystemLog(out string) string {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "walfs: no system log here") {
			return line
		}
	}
	return "\x00"
}

// TestSystemMount: what an operator types, with the real mount(8).
func TestSystemMount(t *testing.T) {
	fixture.OneSize(t)
	for _, test := range []struct{ name, script, want string }{
		{"mount -t walfs", `mount -t walfs -o frozen,allow_other,noexec "$D" "$M" && cat "$M/meta/last_index"
findmnt -n -o FSTYPE,VFS-OPTIONS "$M" && end`, "975\nfuse.walfs ro,nosuid,nodev,noexec,relatime\n"},
		{"mount -t fuse.walfs", `mount -t fuse.walfs -o xattrs,nofail,x-y=z "$D" "$M" && cat "$M/meta/last_index" && end`, "975\n"},
		{"umount", `mount -t walfs -o "pid_file=$T/pid" "$D" "$M" && exec 3<"$T/pid" && p=$(cat "$T/pid")
umount "$M" && tail --pid="$p" -f /dev/null && ls "$T"`, "mnt\nsbin\n"},
		{"fstab", `echo "$D $M walfs noauto,user,x-systemd.automount,_netdev,frozen,allow_other,comment=x 0 0" >"$T/fstab"
mount -a -T "$T/fstab" && mountpoint -q "$M" || echo "noauto"
mount -T "$T/fstab" "$M" && cat "$M/meta/last_index" && end`, "noauto\n975\n"},
		{"mount -a", `echo "$D $M walfs defaults,idle_timeout=1h,log_file=$T/log 0 0" >"$T/fstab"
mount -a -T "$T/fstab" && mount -a -T "$T/fstab" && grep -c " - fuse.walfs $D" /proc/self/mountinfo && end
cut -d' ' -f3- "$T/log" | sed "s,$M,M,"`, "1\nserving DIR at M\nM is unmounted\n"},
		{"unknown option", `mount -t walfs -o key-fil=/x "$D" "$M"; echo $?`, "walfs: -o key-fil: there is no such option; did you mean key_file?\n2\n"},
		{"sloppy", `mount -s -t walfs -o key-fil=/x "$D" "$M" && end`, ""},
		{"fake", `mount -f -t walfs "$D" "$M"; mountpoint -q "$M" || echo nothing`, "nothing\n"},
		{"no directory", `mount -t walfs "$T/sbin" "$M" 2>/dev/null; echo $?`, "1\n"},
		{"wrong key", `mount -t walfs -o "key_file=$T/none" "$D" "$M" 2>/dev/null; echo $?`, "4\n"},
		{"a name with a comma", `ln -s "$D" "$T/a,b" && mount -t walfs -o "log_file=$T/x\\,y" "$T/a,b" "$M" && end && ls "$T" | head -n 1; ls "$T" | tail -n 1`, "a,b\nx,y\n"},
		{"namespace", `unshare -m sh -c 'echo >"$T/in"; exec sleep 600' & until [ -e "$T/in" ]; do :; done
mount -N $! -t walfs "$D" "$M"; mountpoint -q "$M" || echo "not here"
nsenter -m -t $! cat "$M/meta/last_index"; nsenter -m -t $! umount "$M"; kill $!`, "not here\n975\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, code := withHelper(t, test.script)
			for line := range strings.Lines(out) {
				if dir, ok := strings.CutPrefix(line, "serving "); ok {
					dir, _, _ = strings.Cut(dir, " ")
					out = strings.ReplaceAll(out, "serving "+dir, "serving DIR")
				}
			}
			if out != test.want {
				t.Errorf("exit code %d\n%s\nwant\n%s", code, out, test.want)
			}
		})
	}
}

// TestAutofs: the automounter mounts when somebody looks, and unmounts later.
func TestAutofs(t *testing.T) {
	fixture.OneSize(t)
	need(t, "automount")
	out, code := withHelper(t, `mount -t tmpfs tmpfs /run && mkdir "$T/auto" # only one automounter runs with a /run
echo "alpha -fstype=walfs,frozen,pid_file=$T/pid :$D" >"$T/map"
echo "$T/auto $T/map --timeout=1" >"$T/master"
# In a session of its own: who is in the automounter's is shown what is below.
setsid automount -f "$T/master" >"$T/said" 2>&1 &
until grep -q " $T/auto .* autofs " /proc/self/mountinfo; do
	kill -0 $! 2>/dev/null || { cat "$T/said"; exit 98; }
done
cat "$T/auto/alpha/meta/last_index" && p=$(cat "$T/pid") && tail --pid="$p" -f /dev/null && echo unmounted
kill $!; wait`)
	if code == 98 {
		skip(t, "there is no autofs here: %s", out)
	}
	if out != "975\nunmounted\n" {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
