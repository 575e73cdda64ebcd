package format

// opaque carries bytes of a type whose units are unknown, as Icecast does:
// what arrived together is a unit, and a listener may start at any of them.
type opaque struct{ contentType string }

func (o opaque) Type() string { return o.contentType }

func (o opaque) Next(buf []byte, _ bool) (int, Unit) {
	n := min(len(buf), MaxUnit)
	if n == 0 {
		return 0, Unit{}
	}
	return n, Unit{Data: buf[:n], Start: true}
}
