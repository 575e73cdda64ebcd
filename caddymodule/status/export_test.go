package status

// What the external tests need.
const (
	TimeRFC = timeRFC
	TimeISO = timeISO
)

var OwnKeys = ownKeys
