package transport

import (
	"cmp"
	"net/http"
)

// Gathered calls write, which writes the body of an answer. Over TLS and HTTP/1 that goes to the network in pieces of
// several records, each of which would be a call of the system by itself.
func Gathered(r *http.Request, write func() error) (err error) {
	if r.ProtoMajor != 1 || r.TLS == nil {
		return write()
	}
	_, b, ok := TLS(ConnOf(r.Context()))
	if !ok {
		return write()
	}
	send := b.Gather()
	defer func() { err = cmp.Or(err, send()) }()
	return write()
}
