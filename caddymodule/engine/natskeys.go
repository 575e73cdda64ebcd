package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/caddycast/caddycast/cluster"
)

const (
	// openTime is how long the bucket may take to be opened; openGap, the time between two attempts.
	openTime = 5 * time.Second
	openGap  = time.Second

	// maxCalls bounds the calls that wait for the server at a time.
	maxCalls = 256

	// maxReplicas is on how many servers the bucket is, if there are as many.
	maxReplicas = 3

	maxValue = 64 << 10 // bytes
)

// natsKeys is the bucket with the keys of a cluster. It is in the memory of the servers: what it holds
// is of now.
type natsKeys struct {
	name   string
	bucket atomic.Pointer[jetstream.KeyValue] // nil: there is none now
	cause  atomic.Pointer[error]              // why there is none
	wake   chan struct{}                      // cap 1: it may be there now
	calls  chan struct{}                      // one in it for each call
}

func newNATSKeys(prefix string) natsKeys {
	return natsKeys{name: prefix + "_keys", wake: make(chan struct{}, 1), calls: make(chan struct{}, maxCalls)}
}

// open makes the bucket be opened again.
func (k *natsKeys) open() {
	k.bucket.Store(nil)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// openKeys opens the bucket whenever it may be there, until the engine is closed.
func (e *natsEngine) openKeys() {
	js, err := jetstream.New(e.conn)
	if err != nil { // it never fails without options
		e.keys.cause.Store(&err)
		return
	}
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	for {
		select {
		case <-e.done:
			return
		case <-e.keys.wake:
		case <-retry.C:
		}
		if !e.connected.Load() {
			continue // up opens it
		}
		bucket, err := e.openBucket(js)
		if err != nil {
			e.keys.cause.Store(&err)
			retry.Reset(openGap)
			continue
		}
		e.keys.bucket.Store(&bucket)
	}
}

// openBucket opens the bucket, or makes it.
func (e *natsEngine) openBucket(js jetstream.JetStream) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTime)
	defer cancel()
	bucket, err := js.KeyValue(ctx, e.keys.name)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, jetstream.ErrJetStreamNotEnabled
	case !errors.Is(err, jetstream.ErrBucketNotFound):
		return bucket, err
	}
	config := jetstream.KeyValueConfig{
		Bucket: e.keys.name, TTL: cluster.KeyAge, History: 1, MaxValueSize: maxValue,
		Storage: jetstream.MemoryStorage, Replicas: maxReplicas,
	}
	bucket, err = js.CreateKeyValue(ctx, config)
	if _, refused := errors.AsType[*jetstream.APIError](err); refused {
		config.Replicas = 1 // there are fewer servers
		bucket, err = js.CreateKeyValue(ctx, config)
	}
	return bucket, err
}

// answered is what came of a call.
type answered struct {
	value    []byte
	revision uint64
	err      error
}

// call runs a call over the bucket in a goroutine of its own: the client may wait for its socket longer
// than ctx lasts.
func (e *natsEngine) call(ctx context.Context, do func(jetstream.KeyValue) answered) answered {
	if !e.connected.Load() {
		return answered{err: cluster.ErrDisconnected}
	}
	bucket := e.keys.bucket.Load()
	if bucket == nil {
		if cause := e.keys.cause.Load(); cause != nil {
			return answered{err: fmt.Errorf("%w: %w", cluster.ErrNoKeys, *cause)}
		}
		return answered{err: cluster.ErrNoKeys}
	}
	select {
	case e.keys.calls <- struct{}{}:
	case <-ctx.Done():
		return answered{err: ctx.Err()}
	}
	answer := make(chan answered, 1)
	e.running.Go(func() {
		answer <- do(*bucket)
		<-e.keys.calls
	})
	select {
	case a := <-answer:
		if errors.Is(a.err, nats.ErrNoResponders) || errors.Is(a.err, jetstream.ErrNoStreamResponse) || errors.Is(a.err, jetstream.ErrStreamNotFound) {
			e.keys.open() // the servers have lost it
		}
		return a
	case <-ctx.Done():
		return answered{err: ctx.Err()}
	}
}

// Get implements cluster.Engine.
func (e *natsEngine) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	a := e.call(ctx, func(b jetstream.KeyValue) answered {
		switch found, err := b.Get(ctx, key); {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return answered{}
		case err != nil:
			return answered{err: err}
		default:
			return answered{value: found.Value(), revision: found.Revision()}
		}
	})
	return a.value, a.revision, a.err
}

// CompareAndSet implements cluster.Engine.
func (e *natsEngine) CompareAndSet(ctx context.Context, key string, value []byte, revision uint64) (next uint64, err error) {
	value = bytes.Clone(value)
	a := e.call(ctx, func(b jetstream.KeyValue) answered {
		next, err := b.Update(ctx, key, value, revision)
		return answered{revision: next, err: err}
	})
	if errors.Is(a.err, jetstream.ErrKeyRevisionMismatch) {
		return 0, cluster.ErrConflict
	}
	return a.revision, a.err
}
