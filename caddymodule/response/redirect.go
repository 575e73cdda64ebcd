package response

import "net/http"

// Redirect is the answer to a listener whose mount is at another address for now. Checks
// return it as an error; the handler writes it.
type Redirect struct { //nolint:errname // it is an answer, which checks return as an error
	Status int // 302 or 307
	URL    string
}

// Error returns a description for logs.
func (r *Redirect) Error() string { return "redirect to " + r.URL }

// Write answers with the redirect. Browsers let pages of other origins follow it only if the
// redirect itself has the fields for that.
func (r *Redirect) Write(w http.ResponseWriter) {
	header := w.Header()
	for _, f := range CORSHeader {
		SetDefault(header, f[0], f[1])
	}
	SetDefault(header, "Cache-Control", "no-cache, no-store")
	header.Set("Location", r.URL)
	w.WriteHeader(r.Status)
}
