package setting

import "go.uber.org/zap"

// Finder is implemented by what names files, folders or programs: a module, or a setting. They may
// come and go while the configuration is in force, so that one which is missing is no error of it.
type Finder interface {
	// Find returns an error that names what is missing now, or cannot be used; nil if all is
	// there. It is called after Provision.
	Find() error
}

// WarnMissing logs what a directive of a mount names and is missing while a configuration is
// loaded, if there is such. An empty mount is the whole station. what may be anything; only a
// Finder names something.
func WarnMissing(log *zap.Logger, mount, directive string, what any) {
	f, ok := what.(Finder)
	if !ok {
		return
	}
	if err := f.Find(); err != nil {
		log.Warn("the configuration names what is missing or unusable",
			zap.String("directive", directive), zap.String("mount", mount), zap.Error(err))
	}
}

// Found is the result of a look at a file as a Finder.
type Found struct{ Err error }

// Find implements Finder.
func (f Found) Find() error { return f.Err }
