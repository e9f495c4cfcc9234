package engines

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// glibcLoader is the dynamic linker that every glibc system on x86-64 has at this path; musl systems (Alpine) have not.
const glibcLoader = "/lib64/ld-linux-x86-64.so.2"

const ownServer = "run the tests against your own server with SESSIONLOG_TEST_CLICKHOUSE (README.md of testengine), or in a Debian container"

// Supported says whether the engines run on this machine, and otherwise what to do instead.
func Supported() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return fmt.Errorf("the engines are built for linux/amd64, this is %s/%s: %s", runtime.GOOS, runtime.GOARCH, ownServer)
	}
	if _, err := os.Stat(glibcLoader); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the engines need glibc, and %s is not here (a musl system?): %s", glibcLoader, ownServer)
	}
	return nil
}
