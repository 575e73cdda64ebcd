package format

// opaque carries bytes of a type without known units, as Icecast does: each read is a
// unit, and a listener can start at any of them.
type opaque struct{ contentType string }

func (o opaque) Type() string { return o.contentType }

func (o opaque) Next(buf []byte, _ bool) (int, Unit) {
	n := min(len(buf), MaxUnit)
	if n == 0 {
		return 0, Unit{}
	}
	return n, Unit{Data: buf[:n], Start: true}
}
