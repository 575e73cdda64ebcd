package hls

// transport makes segments of MPEG-TS (ISO 13818-1): the tables, and the packets of the source. Stamps
// and counters are those of the source, but for the counters of the tables, of which there are as
// many as segments. Titles have no place.
type transport struct {
	tables []byte
	counts map[int]byte // continuity counters, by PID
	data   []byte
}

const tsPacketSize = 188

// with takes the tables of another source. Counters go on.
func (t *transport) with(tables []byte) *transport {
	if t.tables = tables; t.counts == nil {
		t.counts = make(map[int]byte)
	}
	return t
}

// begin writes the tables, with the next counters: the lower 4 bits of byte 3 of a packet, whose
// PID is in bytes 1 and 2.
func (t *transport) begin(_ uint64, _ Title, sizeHint int) {
	t.data = append(make([]byte, 0, max(sizeHint, len(t.tables))), t.tables...)
	for at := 0; at+tsPacketSize <= len(t.data); at += tsPacketSize {
		p := t.data[at:]
		pid := int(p[1]&0x1f)<<8 | int(p[2])
		p[3] = p[3]&0xf0 | t.counts[pid]&0x0f
		t.counts[pid]++
	}
}

func (t *transport) add(data []byte, _ int) { t.data = append(t.data, data...) }

func (t *transport) retitle(uint64, Title) {}

func (t *transport) finish() []byte { return t.data }
