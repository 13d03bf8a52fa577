// Work on the OpenMP threads that torch already has. Nothing is linked: the loader hands over three functions of the
// OpenMP runtime that torch has loaded, so that the process keeps one pool of threads.
#ifndef HFSEQ_THREADS_H
#define HFSEQ_THREADS_H

#include <sched.h>
#include <stdint.h>

typedef struct {
  int rank, size;
} crew;

typedef void (*crew_task)(void *argument, crew member);

static struct {
  void (*parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
  int (*rank)(void);
  int (*size)(void);
} openmp;

EXPORT void hfseq_use_openmp(void *parallel, void *rank, void *size) {
  *(void **)&openmp.parallel = parallel;
  *(void **)&openmp.rank = rank;
  *(void **)&openmp.size = size;
}

typedef struct {
  crew_task task;
  void *argument;
} crew_call;

static void crew_body(void *data) {
  const crew_call *call = data;
  call->task(call->argument, (crew){openmp.rank(), openmp.size()});
}

// Runs the task on up to `threads` threads. The members learn how many they really are, and divide the work by that.
static void run_crew(int64_t threads, crew_task task, void *argument) {
  if (threads <= 1 || !openmp.parallel) {
    task(argument, (crew){0, 1});
    return;
  }
  crew_call call = {task, argument};
  openmp.parallel(crew_body, &call, (unsigned)threads, 0);
}

// Where a part of `total` items begins, when they are dealt out to `parts` in order; that of the next is its end.
static inline int64_t part_start(int64_t total, int64_t part, int64_t parts) { return total * part / parts; }

// A point that `parts` members wait at until all have come. Zero it before use.
typedef struct {
  int arrived, round;
  char padding[56];
} meeting;

static void meet(meeting *m, int64_t parts) {
  if (parts < 2) return;
  int round = __atomic_load_n(&m->round, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&m->arrived, 1, __ATOMIC_ACQ_REL) == parts) {
    __atomic_store_n(&m->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&m->round, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int tries = 0; __atomic_load_n(&m->round, __ATOMIC_ACQUIRE) == round; tries++)
    if (tries > 2000) sched_yield();
}

#endif
