// The compiled kernels of hfseq: recurrent layers on a CPU, in float32. Plain C without dependencies; built several
// times for different instruction sets, of which hfseq/kernels/library.py loads the best that the machine has.
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

// Of the sources that this was compiled from; 0 if unknown.
#if !defined(SOURCES_CHECKSUM)
#define SOURCES_CHECKSUM 0
#endif
EXPORT int64_t hfseq_sources_checksum(void) { return SOURCES_CHECKSUM; }

// Whether this build has products of bfloat16 pairs; the processor must have them too.
EXPORT int64_t hfseq_has_pairs(void) { return HAVE_PAIRS; }

// Bytes of scratch that a pass needs.
EXPORT int64_t hfseq_scratch_size(const recurrence *r, int64_t backward) {
  arena a = {NULL, 0};
  lay_out(r, (int)backward, &a);
  return (int64_t)a.used;
}

EXPORT void hfseq_forward(const recurrence *r) { run_pass(r, 0, forward_pass); }
EXPORT void hfseq_backward(const recurrence *r) { run_pass(r, 1, backward_pass); }

// Of all weights of a layer: where it is the same, so are the packed weights.
EXPORT uint64_t hfseq_weights_digest(const recurrence *r, int64_t threads) { return digest_weights(r, threads); }

// For inference, where the weights stay the same: bytes of the packed weights of all directions, and their packing.
EXPORT int64_t hfseq_packed_size(const recurrence *r) {
  arena a = {NULL, 0};
  for (int64_t d = 0; d < r->directions; d++) carve_forward_weights(&a, r);
  return (int64_t)a.used;
}
EXPORT void hfseq_pack_weights(const recurrence *r, char *packed) {
  arena a = {packed, 0};
  for (int64_t d = 0; d < r->directions; d++) {
    forward_weights w = carve_forward_weights(&a, r);
    pack_forward_weights(r, d, &w, 0, 1);
  }
}

EXPORT void hfseq_scan_forward(const scan *s) { run_scan(s, 0); }
EXPORT void hfseq_scan_backward(const scan *s) { run_scan(s, 1); }

EXPORT void hfseq_lazy_adamw(lazy_adamw *o) { run_crew(o->threads, update_rows, o); }
