package access

import "strings"

// agents are patterns of user agents. Case does not matter.
type agents struct {
	exact    map[string]struct{}
	patterns []string
}

func (a *agents) add(pattern string) {
	pattern = strings.ToLower(pattern)
	if strings.ContainsAny(pattern, "*?") {
		a.patterns = append(a.patterns, pattern)
		return
	}
	if a.exact == nil {
		a.exact = make(map[string]struct{})
	}
	a.exact[pattern] = struct{}{}
}

// Agents are patterns of user agents. Nil matches none.
type Agents struct{ agents agents }

// NewAgents returns the agents for some patterns, in which a star stands for any characters and
// a question mark for one. Case does not matter.
func NewAgents(patterns []string) *Agents {
	a := new(Agents)
	for _, p := range patterns {
		a.agents.add(p)
	}
	return a
}

// Matches reports whether one of the patterns matches a user agent.
func (a *Agents) Matches(agent string) bool { return a != nil && a.agents.match(agent) }

func (a *agents) match(agent string) bool {
	if len(a.exact) == 0 && len(a.patterns) == 0 {
		return false
	}
	agent = strings.ToLower(agent)
	if _, ok := a.exact[agent]; ok {
		return true
	}
	for _, p := range a.patterns {
		if matchStars(p, agent) {
			return true
		}
	}
	return false
}

// matchStars reports whether a text matches a pattern, in which a star stands for any
// characters and a question mark for one. It goes back to the last star only, so it
// takes the product of the lengths at most.
func matchStars(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// readAgents reads a file of patterns, one a line.
func readAgents(path string) (*agents, error) {
	a := new(agents)
	err := eachLine(path, func(line string) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			a.add(line)
		}
	})
	return a, err
}
