// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The rows about texts, types and what cannot be answered.
extension SpecificationTables {
    static let texts = """
        'a' + 'b' => 'ab'
        'a' + null => null
        'a' & null => 'a'
        Combine({'a', 'b', null}, '-') => 'a-b'
        Combine({}) => null
        Split('a,b', ',') => {'a', 'b'}
        Split('a,b', null) => {'a,b'}
        Length('abc') => 3
        Upper('aB') => 'AB'
        Lower('aB') => 'ab'
        Substring('abc', 1) => 'bc'
        Substring('abc', 1, 1) => 'b'
        Substring('ab', 2) => null
        PositionOf('b', 'abab') => 1
        LastPositionOf('b', 'abab') => 3
        LastPositionOf('', 'abab') => !unsupported
        PositionOf('', 'abab') => 0
        PositionOf('x', 'ab') => -1
        StartsWith('abc', 'ab') => true
        EndsWith('abc', 'ab') => false
        'abc'[1] => 'b'
        Matches('room 101', '[a-z]+ \\\\d{3}') => true
        Matches('room 101', '.*x.*') => false
        Matches('room', 'roo') => !unsupported
        Matches('room', null) => null
        Matches('cat', '(?=c)cat') => !unsupported
        Matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaa', '(a*)*b') => !unsupported
        Matches('naïve', '\\\\w+') => !unsupported
        ReplaceMatches('2024-03-01', '(\\\\d+)-(\\\\d+)-(\\\\d+)', '$3/$2/$1') => '01/03/2024'
        ReplaceMatches('a b', ' ', '\\\\$') => 'a$b'
        ReplaceMatches('aba', 'b*', '-') => '-a--a-'
        'abc' ~ 'ABC' => true
        'abc' = 'ABC' => false
        'it\\'s' => 'it\\'s'
        '\\u0048i' => 'Hi'
        'a' < 'b' => true
        """

    static let types = """
        5 is Integer => true
        '5' is Integer => false
        null is Integer => false
        convert 5 to Decimal => 5.0
        convert 'foo' to Integer => null
        ToInteger('-25') => -25
        ToInteger('2.5') => null
        ToDecimal('+25.5') => 25.5
        ToLong('-1') => -1L
        ToBoolean('y') => true
        ToBoolean('maybe') => null
        ToString(18.55) => '18.55'
        ToString(@2014-01-01) => '2014-01-01'
        ToDate('2014-01') => @2014-01
        ToDateTime(@2014-01-01) => @2014-01-01T
        ToDateTime('2014-01-01T12:05:05.955+01:30') => @2014-01-01T12:05:05.955+01:30
        ToDateTime('2014/01/01') => null
        ConvertsToInteger('12') => true
        ConvertsToInteger('x') => false
        5 as String => null
        cast 5 as String => !runtime
        45.5 'g' as Quantity => 45.5 'g'
        ToConcept(Code { code: '8480-6' }) => Concept { codes: { Code { code: '8480-6' } } }
        Code { code: 'a', system: 's' } ~ Code { code: 'a', system: 's', display: 'A' } => true
        """

    static let errors = """
        Message(1, true, '100', 'Message', 'said') => 1
        Message(1, true, '400', 'Error', 'wrong') => !runtime
        Message(1, false, '400', 'Error', 'wrong') => 1
        1 = 'a' => !invalid
        true < false => !invalid
        2147483648 => !invalid
        0.000000001 => !invalid
        100000000000000000000.5 => !unsupported
        10000000000000000000000000000.0 => !invalid
        1 + => !invalid
        Nobody => !invalid
        SplitOnMatches('a', 'b') => !unsupported
        """
}
