// Command pulumi-resource-kubernetes serves the Kubernetes provider.
//
// The module's own main embeds files that only its release process generates. The two files below are copied from the
// module directory at build time.
package main

import (
	_ "embed"
	"os"
	"time"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var mapping []byte

// The engine's death is noticed within this time. Without the watch a killed engine (-9) left the provider alive.
const watchInterval = time.Second

func endWithEngine(engine int) {
	for os.Getppid() == engine {
		time.Sleep(watchInterval)
	}
	os.Exit(1)
}

func main() {
	go endWithEngine(os.Getppid())
	provider.Serve("kubernetes", "4.25.0", schema, mapping)
}
