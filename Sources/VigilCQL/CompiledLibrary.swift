// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// A CQL library, checked and compiled.
package struct CompiledLibrary: Sendable {
    /// As the text declares it.
    package var name: String
    /// As the text declares it.
    package var version: String
    /// What an `Evaluation` runs.
    package var program: Program
    /// By name; definitions that are Intervals or Quantities exist only inside others.
    package var definitions: [String: DefinitionID]
    var types: [CQLType]

    /// The lists that a definition uses, through all definitions that it uses; ascending.
    package func lists(of definition: DefinitionID) -> [Int] {
        program.lists(touching: definition)
    }

    /// The resource types that a definition looks up in each list that it uses.
    package func retrieves(of definition: DefinitionID) -> [Retrieval] {
        program.retrieves(of: definition)
    }

    /// The type of a definition's value.
    package func type(of definition: DefinitionID) -> CQLType {
        types[definition.index]
    }
}

/// The type of a compiled expression's value.
package enum CQLType: String, Sendable {
    /// Of `null` alone: it stands for a null of any type.
    case any = "Any"
    case boolean = "Boolean"
    case integer = "Integer"
    case decimal = "Decimal"
    case string = "String"
    case date = "Date"
    case fact = "FHIR resource"
    case list = "List of FHIR resources"

    /// Whether values of the type are ordered.
    var isOrdered: Bool { [.integer, .decimal, .date, .any].contains(self) }
}
