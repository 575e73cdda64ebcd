package adminapi

import (
	"net/http"

	"github.com/caddycast/caddycast/caddymodule/state"
)

// drainSlave sets whether new listeners are sent to a slave.
func drainSlave(st *state.Station, req *actionBody) (any, error) {
	if err := checkSlave(req); err != nil {
		return nil, err
	}
	n := st.Slaves().Drain(req.Slave, !req.Off)
	if n == 0 {
		return nil, unknownSlave(req)
	}
	return map[string]any{"slaves": n, "slave": req.Slave, "drained": !req.Off}, nil
}

// remove removes a slave, and rejects its reports for a while.
func remove(st *state.Station, req *actionBody) (any, error) {
	if err := checkSlave(req); err != nil {
		return nil, err
	}
	n := st.Slaves().Remove(req.Slave)
	if n == 0 {
		return nil, unknownSlave(req)
	}
	return map[string]any{"slaves": n, "slave": req.Slave, "removed": true}, nil
}

func checkSlave(req *actionBody) error {
	if req.Slave == "" {
		return errorf(http.StatusBadRequest, "slave: missing; expected an id, a name or a public URL, as in the list of slaves")
	}
	return nil
}

func unknownSlave(req *actionBody) error {
	return errorf(http.StatusNotFound, "slave %.300q: unknown; expected an id, a name or a public URL, as in the list of slaves", req.Slave)
}
