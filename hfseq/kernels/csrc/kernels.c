// The compiled kernels of hfseq: recurrent layers on a CPU, in float32. Plain C without dependencies; built several
// times for different instruction sets, of which hfseq/kernels/library.py loads the best that the machine has.
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#include "threads.h"

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

// A digest of one number in each row of the weights, in a column that changes from row to row, and of all biases.
EXPORT uint64_t hfseq_weights_digest(const recurrence *r) {
  uint64_t digest = 14695981039346656037u;
  const int64_t gates = r->cell * r->hidden_size;
  for (int64_t d = 0; d < r->directions; d++)
    for (int64_t row = 0; row < gates; row++) {
      const float *numbers[] = {r->weight_ih[d] + row * r->input_size + row * 7 % r->input_size,
                                r->weight_hh[d] + row * r->hidden_size + row * 7 % r->hidden_size,
                                r->bias_ih[d] + row, r->bias_hh[d] + row};
      for (int i = 0; i < 4; i++) {
        uint32_t bits;
        memcpy(&bits, numbers[i], sizeof bits);
        digest = (digest ^ bits) * 1099511628211u;
      }
    }
  return digest;
}

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
