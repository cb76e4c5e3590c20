// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A query over lists of any values.
package struct QueryPlan: Sendable {
    /// A list, or one value, and the alias that its elements go by.
    package struct Source: Sendable {
        package var node: Int32
        package var alias: Int32

        package init(node: Int32, alias: Int32) {
            self.node = node
            self.alias = alias
        }
    }

    /// A key to sort the results by.
    package struct SortKey: Sendable {
        /// Of the result under `element`; nil for the result itself.
        package var node: Int32?
        package var isDescending: Bool

        package init(node: Int32?, isDescending: Bool) {
            self.node = node
            self.isDescending = isDescending
        }
    }

    /// The `aggregate` clause.
    package struct Aggregate: Sendable {
        package var alias: Int32
        package var start: Int32
        package var step: Int32

        package init(alias: Int32, start: Int32, step: Int32) {
            self.alias = alias
            self.start = start
            self.step = step
        }
    }

    package var sources: [Source] = []
    /// `let` expressions, in their order.
    package var lets: [Source] = []
    /// What must all be true of a row: `where`, `with` and `without`.
    package var conditions: [Int32] = []
    package var result: Int32?
    package var isDistinct = false
    package var aggregate: Aggregate?
    package var sort: [SortKey] = []
    /// The alias of a result while it is sorted.
    package var element: Int32 = -1
    /// Whether no source is a list, so that the result is none.
    package var isScalar = false
    /// Whether it is over the patient's facts, of which an unknown one leaves all unknown.
    package var isOverFacts = false
    /// The names of the sources, for the tuples of a query with several and no `return`.
    package var names: [String] = []

    package init() {}

    var operands: [Int32] {
        var all = sources.map(\.node) + lets.map(\.node) + conditions
        if let result { all.append(result) }
        if let aggregate { all += [aggregate.start, aggregate.step] }
        return all + sort.compactMap(\.node)
    }
}
