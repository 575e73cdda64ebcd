package mountpath

// Index is what is set for single mounts and for patterns. The mount whose path
// is written out wins over patterns, and an earlier pattern over a later one.
type Index[T any] struct {
	exact    map[string]T
	patterns []patterned[T]
}

type patterned[T any] struct {
	pattern string
	value   T
}

func (b *Index[T]) Add(path string, value T) {
	if b.exact == nil {
		b.exact = make(map[string]T)
	}
	b.exact[path] = value
	if IsPattern(path) {
		b.patterns = append(b.patterns, patterned[T]{path, value})
	}
}

// Find returns the first value for a mount that will do.
func (b *Index[T]) Find(mount string, will func(T) bool) (value T, ok bool) {
	if v, ok := b.exact[mount]; ok && will(v) {
		return v, true
	}
	for _, p := range b.patterns {
		if Matches(p.pattern, mount) && will(p.value) {
			return p.value, true
		}
	}
	return value, false
}
