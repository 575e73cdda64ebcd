package command

import (
	"errors"
	"testing"
)

func TestErrorsOfTheEndpointArePlainWords(t *testing.T) {
	for in, want := range map[string]string{
		"caddy responded with error: HTTP 404: {\"error\":\"listener 99: unknown; expected \\\"x\\\"\"}\n": `listener 99: unknown; expected "x"`,
		"caddy responded with error: HTTP 400: {\"error\":\"a\\u001bb\"}\n":                                "ab",
		"caddy responded with error: HTTP 500: oops":                                                       "caddy responded with error: HTTP 500: oops",
		"performing request: dial tcp: {refused}":                                                          "performing request: dial tcp: {refused}",
	} {
		if got := inWords(errors.New(in)).Error(); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
