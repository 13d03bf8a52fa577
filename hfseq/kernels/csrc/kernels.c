// The compiled kernels of hfseq: recurrent layers on a CPU, in float32. Plain C without dependencies. There is one build
// per instruction set. hfseq/kernels/library.py loads the best one for the processor.
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#include "threads.h"

#include "digest.h"
#include "forward.h"
#include "backward.h"
#include "lazy_adamw.h"
#include "scan.h"

// Checksum of the sources of this build; 0 if unknown.
#if !defined(SOURCES_CHECKSUM)
#define SOURCES_CHECKSUM 0
#endif
EXPORT int64_t hfseq_sources_checksum(void) { return SOURCES_CHECKSUM; }

// Whether this build has products of bfloat16 pairs. The processor must have them, too.
EXPORT int64_t hfseq_has_pairs(void) { return HAVE_PAIRS; }

// Number of bytes of `scratch` that a pass needs.
EXPORT int64_t hfseq_scratch_size(const recurrence *r, int64_t backward) {
  arena a = {NULL, 0};
  make_workspace(r, (int)backward, &a);
  return (int64_t)a.used;
}

EXPORT void hfseq_forward(const recurrence *r) { run_pass(r, 0, forward_pass); }
EXPORT void hfseq_backward(const recurrence *r) { run_pass(r, 1, backward_pass); }

// Digest of all weights of a layer. If it has not changed, the packed weights can be used again.
EXPORT uint64_t hfseq_weights_digest(const recurrence *r, int64_t threads) { return digest_weights(r, threads); }

// For inference with constant weights: size in bytes of the packed weights of all directions, and the packing.
EXPORT int64_t hfseq_packed_size(const recurrence *r) {
  arena a = {NULL, 0};
  for (int64_t d = 0; d < r->directions; d++) allocate_forward_weights(&a, r);
  return (int64_t)a.used;
}
EXPORT void hfseq_pack_weights(const recurrence *r, char *packed) {
  arena a = {packed, 0};
  for (int64_t d = 0; d < r->directions; d++) {
    forward_weights w = allocate_forward_weights(&a, r);
    pack_forward_weights(r, d, &w, 0, 1);
  }
}

EXPORT void hfseq_scan_forward(const scan *s) { run_scan(s, 0); }
EXPORT void hfseq_scan_backward(const scan *s) { run_scan(s, 1); }

EXPORT void hfseq_lazy_adamw(lazy_adamw *o) { run_team(o->threads, update_rows, o); }
