package metrics

// Collector is the collector, for a registry of a test.
var Collector = collector{}
