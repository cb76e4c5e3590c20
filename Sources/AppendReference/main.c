// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The writes and syncs of a log and nothing else: what an append could cost at best on a disk.
// Appends COUNT commits of BYTES bytes to FILE, in zero-filled space, and syncs each; after each it
// writes a sector of claims without syncing it. Prints the seconds that took.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void write_all(int file, const char *bytes, size_t length, off_t position) {
    while (length > 0) {
        ssize_t done = pwrite(file, bytes, length, position);
        if (done <= 0) {
            perror("pwrite");
            exit(1);
        }
        bytes += done;
        length -= (size_t)done;
        position += done;
    }
}

int main(int count, char **arguments) {
    if (count != 4) {
        fprintf(stderr, "usage: AppendReference FILE COMMITS BYTES\n");
        return 64;
    }
    long commits = atol(arguments[2]);
    size_t length = (size_t)atol(arguments[3]);
    char *commit = malloc(length);
    char sector[512] = "claim";
    int file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || commit == NULL) {
        perror("open");
        return 1;
    }
    memset(commit, 0, length);
    // A sector for the claims, then the space of the commits, all of it written before.
    for (long index = 0; index <= commits; index++) {
        write_all(file, commit, length, 4096 + (off_t)((size_t)index * length));
    }
    write_all(file, sector, sizeof sector, 0);
    fsync(file);
    memset(commit, 'x', length);
    double start = now();
    for (long index = 0; index < commits; index++) {
        write_all(file, commit, length, 4096 + (off_t)((size_t)index * length));
        if (fdatasync(file) != 0) {
            perror("fdatasync");
            return 1;
        }
        write_all(file, sector, sizeof sector, 0);
    }
    printf("%.6f\n", now() - start);
    return 0;
}
