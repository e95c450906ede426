// Reads texts as JSON strings, one a line; writes, for each, what gitleaks' default
// rules report in it: a list of [match, secret].
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"github.com/zricethezav/gitleaks/v8/detect"
)

func main() {
	detector, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		log.Fatal(err)
	}
	// As deep as the gateway is asked to decode.
	detector.MaxDecodeDepth = 4
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16*1024*1024)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			log.Fatal(err)
		}
		found := [][2]string{}
		for _, finding := range detector.DetectString(text) {
			found = append(found, [2]string{finding.Match, finding.Secret})
		}
		if err := out.Encode(found); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
