// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

/// What a program knows about itself before it runs.
struct RulesProgramTests {
    @Test func `values that move with time are told from values that do not`() {
        var program = Program()
        let today = program.append(Node(.today))
        let birth = program.append(Node(.birthDate))
        let three = program.append(Node(.integer, 3))
        let earlier = program.append(Node(.shift, today, three))
        let age = program.append(Node(.duration, birth, today))
        let left = program.append(Node(.duration, today, birth))
        let sum = program.append(Node(.add, age, three))
        let difference = program.append(Node(.subtract, three, age))
        let mixed = program.append(Node(.add, age, left))
        let product = program.append(Node(.multiply, age, three))
        let orders = program.append(
            Node(.retrieve, detail: ResourceTypes(.medicationRequest).rawValue))
        let diagnoses = program.append(Node(.retrieve, detail: ResourceTypes(.condition).rawValue))
        let expected: [(Int32, Motion)] = [
            (birth, .still), (earlier, .rising), (age, .rising), (left, .falling), (sum, .rising),
            (difference, .falling), (mixed, .stepping), (product, .stepping),
            (orders, .stepping), (diagnoses, .still),
        ]
        for (node, motion) in expected { #expect(program.motions[Int(node)] == motion) }
    }

    @Test func `the lists of a definition include those of definitions that it uses`() {
        var program = Program()
        let condition = ResourceTypes(.condition)
        let inner = program.define(
            program.append(Node(.retrieve, 7, detail: condition.rawValue)))
        let reference = program.append(Node(.definition, Int32(inner.index)))
        let own = program.append(
            Node(.retrieve, 2, detail: ResourceTypes.medications.rawValue))
        let outer = program.define(
            program.append(Node(.exists, program.append(Node(.union, reference, own)))))
        #expect(program.lists(touching: inner) == [7])
        #expect(program.lists(touching: outer) == [2, 7])
        #expect(program.retrieves(of: outer).map(\.types) == [.medications, condition])
    }

    @Test func `every resource type is its own bit`() {
        for type in ResourceType.allCases { #expect(ResourceTypes(type).types == [type]) }
    }
}
