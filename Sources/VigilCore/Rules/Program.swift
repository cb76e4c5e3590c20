// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A compiled CQL library: what the evaluator runs.
package struct Program: Sendable {
    package init() {}
}
