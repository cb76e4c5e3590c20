// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// A setting in effect, for people.
package struct EffectiveSetting: Sendable {
    package var name: String
    /// The value as JSON text; `null` where there is none.
    package var value: [UInt8]
    /// The value as a word or a few.
    package var text: String
    package var from: String

    /// One line for programs.
    package var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("setting", name)
            json.raw("value", value)
            json.string("from", from)
        }
        return json.bytes
    }
}

extension Settings {
    /// All settings with their values, as a file takes them, and where these come from; nothing of
    /// it is secret, and so `curve` is not whole.
    package var effective: [EffectiveSetting] {
        var rows = SettingKey.all.map { key in
            let values = key.value(in: self)
            let json = Settings.json(values, of: key)
            let text = key.isList ? String(decoding: json, as: UTF8.self) : values?.first
            return EffectiveSetting(
                name: key.name, value: json, text: text ?? "-",
                from: origin(of: key.name).description)
        }
        rows.append(curveRow)
        var recordedJSON = JSONWriter()
        recordedJSON.object { recorded.encodeFile(to: &$0) }
        for name in FoldSettings.keys {
            let found = try? JSONDocument().withRoot(of: recordedJSON.bytes) { root in
                root.children.first { $0.name == name }.map { value in
                    let json = Array(value.rawBytes)
                    let isText = value.kind == .string
                    return (json, isText ? value.text : String(decoding: json, as: UTF8.self))
                }
            }
            let (json, text) = found.flatMap { $0 } ?? (Array("null".utf8), "-")
            rows.append(
                EffectiveSetting(
                    name: name, value: json, text: text, from: origin(of: name).description))
        }
        return rows
    }

    private var curveRow: EffectiveSetting {
        guard let curve else {
            return EffectiveSetting(
                name: "curve", value: Array("null".utf8), text: "-",
                from: origin(of: "curve").description)
        }
        var json = JSONWriter()
        json.object { json in
            json.string("keyFile", curve.keyFile)
            json.number("connectionsMax", curve.connectionsMax)
            json.array("principals") { json in
                for name in curve.principalNames { json.string(name) }
            }
        }
        return EffectiveSetting(
            name: "curve", value: json.bytes,
            text: "\(curve.keyFile), \(curve.principalCount) principals",
            from: origin(of: "curve").description)
    }

    private static func json(_ values: [String]?, of key: SettingKey) -> [UInt8] {
        guard let values else { return Array("null".utf8) }
        if key.isNumber { return Array(values[0].utf8) }
        var json = JSONWriter()
        json.object { json in
            if key.isList {
                json.array("value") { json in
                    for value in values { json.string(value) }
                }
            } else {
                json.string("value", values[0])
            }
        }
        // Without the object around it.
        return Array(json.bytes.dropFirst(#"{"value":"#.utf8.count).dropLast())
    }
}
