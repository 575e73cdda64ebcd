package mountpath

// Index holds values for single mounts and for patterns. The exact path wins over patterns, and
// an earlier pattern over a later one.
type Index[T any] struct {
	exact    map[string]T
	patterns []patterned[T]
}

type patterned[T any] struct {
	pattern string
	value   T
}

// Add adds the value of a path, which may be a pattern.
func (x *Index[T]) Add(path string, value T) {
	if x.exact == nil {
		x.exact = make(map[string]T)
	}
	x.exact[path] = value
	if IsPattern(path) {
		x.patterns = append(x.patterns, patterned[T]{path, value})
	}
}

// Find returns the first value for a mount that a function accepts.
func (x *Index[T]) Find(mount string, accepts func(T) bool) (value T, ok bool) {
	if v, ok := x.exact[mount]; ok && accepts(v) {
		return v, true
	}
	for _, p := range x.patterns {
		if Matches(p.pattern, mount) && accepts(p.value) {
			return p.value, true
		}
	}
	return value, false
}
