// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What an inbound event is about: the first part of its topic and the middle of its type.
package enum EventKind: String, CaseIterable, Sendable {
    case patient, encounter, condition, prescription, observation, device, review
}

/// What a source did with the resource.
package enum EventAction: String, CaseIterable, Sendable {
    case created, updated, deleted
}
