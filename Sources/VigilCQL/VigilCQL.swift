// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
