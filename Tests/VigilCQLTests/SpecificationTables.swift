// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The rows of `SpecificationTests`, by theme.
enum SpecificationTables {
    static var all: [String] {
        [
            numbers, logic, quantities, dates, durations, times, intervals, intervalSets, lists,
            aggregates, queries, texts, types, errors,
        ].flatMap { table in
            table.split(separator: "\n").map(String.init)
        }
    }

    static let numbers = """
        1 + 1 => 2
        1 + 2.0 => 3.0
        1L + 2 => 3L
        2147483647 + 1 => null
        -2147483648 => -2147483648
        1 / 0 => null
        0 / 1 => 0.0
        10 / 3 => 3.33333333
        2 / 3 => 0.66666667
        -2 / 3 => -0.66666667
        10 div 3 => 3
        -10 div 3 => -3
        10.1 div 3.1 => 3.0
        10 mod 3 => 1
        3.5 mod 3 => 0.5
        0 mod 0 => null
        2 ^ 4 => 16
        2.0 ^ 4.0 => 16.0
        Power(2, -2) => 0.25
        Power(10, -8) => 0.00000001
        Power(2, 31) => null
        Power(4.0, 0.5) => 2.0
        2 * 3 + 4 * 5 => 26
        0.1 + 0.2 => 0.3
        0.1 * 3 = 0.3 => true
        1.587 => 1.587
        99999999999999999999.99999999 + 0.00000001 => null
        Abs(-1) => 1
        Abs(-1.0) => 1.0
        Ceiling(1.1) => 2
        Ceiling(-1.1) => -1
        Floor(-0.1) => -1
        Truncate(-1.9) => -1
        Round(3.14159, 2) => 3.14
        Round(0.5) => 1.0
        Round(-0.5) => 0.0
        Round(-1.5) => -1.0
        Round(-1.6) => -2.0
        Exp(0) => 1.0
        Exp(1) => 2.71828183
        Exp(-1) => 0.36787944
        Exp(1000) => !runtime
        Ln(1) => 0.0
        Ln(1000) => 6.90775528
        Ln(0) => !runtime
        Ln(-1) => null
        Log(16, 2) => 4.0
        Log(0.125, 2) => -3.0
        Log(1, 100) => 0.0
        Log(2, 1) => null
        successor of 1 => 2
        successor of 1.0 => 1.00000001
        predecessor of 1.01 => 1.00999999
        successor of 2147483647 => !runtime
        minimum Integer => -2147483648
        maximum Decimal => 99999999999999999999.99999999
        maximum Long => 9223372036854775807L
        Precision(1.58700) => 5
        LowBoundary(1.587, 8) => 1.58700000
        HighBoundary(1.587, 8) => 1.58799999
        -(-1) => 1
        -(1.0) => -1.0
        1 < 2.5 => true
        1.0 = 1.00 => true
        1.0 ~ 1.00 => true
        3.14159 ~ 3.14 => true
        5 between 1 and 10 => true
        5 properly between 5 and 10 => false
        1 + null => null
        """

    static let logic = """
        true and null => null
        false and null => false
        true or null => true
        null implies true => true
        true xor null => null
        not null => null
        null is null => true
        IsNull(null) => true
        IsNull('') => false
        IsTrue(null) => false
        IsFalse(false) => true
        (null as Integer) is null => true
        if 1 > 2 then 'a' else 'b' => 'b'
        case when 1 > 2 then 1 when 2 > 1 then 2 else 3 end => 2
        case 3 when 1 then 'x' when 3 then 'y' else 'z' end => 'y'
        Coalesce(null, 5) => 5
        Coalesce({ null, 1, 2 }) => 1
        Coalesce(null, 1, 2.5) => 1.0
        1 = null => null
        null ~ null => true
        1 ~ null => false
        """

    static let quantities = """
        5 'mg' => 5 'mg'
        5.5 'mg' => 5.5 'mg'
        3 months => 3 months
        1 month => 1 month
        1 'g' = 1000 'mg' => true
        1 'cm' < 1 'm' => true
        1 'cm' = 1 'g' => null
        1 'cm' ~ 1 'g' => false
        1 'g' + 500 'mg' => 1500 'mg'
        1 'cm' + 1 'g' => !runtime
        1.0 'cm' * 2.0 'cm' => 2 'cm2'
        10.0 'g' / 5 => 2 'g'
        1 'g/cm3' / 1 'g/cm3' => 1 '1'
        10 'mg' / 2 'mL' => 5 'mg/mL'
        3.5 'cm' mod 3 'cm' => 0.5 'cm'
        -(1 'cm') => -1 'cm'
        1 year = 12 months => true
        1 week = 7 days => true
        1 day = 24 'h' => true
        1 year = 1 'a' => null
        1 year ~ 1 'a' => true
        1 month ~ 1 'mo' => true
        2 years ~ 730 days => true
        1 month ~ 30 days => true
        1 month ~ 31 days => false
        1 year = 365 days => null
        1.123456789 'g' => !unsupported
        ToString(125 'cm') => '125 \\'cm\\''
        1 year > 300 days => null
        7.1 'mmol/L' < 128 'mg/dL' => null
        120 'mm[Hg]' < 16 'kPa' => true
        10 '10*9/L' = 10000 '10*6/L' => true
        1 '[lb_av]' = 0.45359237 'kg' => true
        ConvertQuantity(5 'mg', 'g') => 0.005 'g'
        convert 5 'mg' to 'g' => 0.005 'g'
        2.5589 '{eskimo kisses}' => 2.5589 '{eskimo kisses}'
        5 'frobs' => !unsupported
        (5 'mg').value => 5.0
        (5 'mg').unit => 'mg'
        1 'mg':2 'mL' => 1 'mg':2 'mL'
        1:2 ~ 2:4 => true
        ToQuantity('5.5 \\'cm\\'') => 5.5 'cm'
        ToString(5.5 'cm') => '5.5 \\'cm\\''
        """

    static let dates = """
        @2014-01-31 + 1 month => @2014-02-28
        @2012-02-29 + 1 year => @2013-02-28
        @2014-03-31 - 1 month => @2014-02-28
        @2014 + 24 months => @2016
        @2014 + 25 months => @2016
        @2014-06 + 33 days => @2014-07
        DateTime(2005, 5, 10) + 25 hours => @2005-05-11T
        DateTime(2014) + 735 days => @2016T
        DateTime(2016, 6, 10, 5, 5, 5, 5) + 995 milliseconds => @2016-06-10T05:05:06.000
        DateTime(2005, 10, 10) + 8000 years => !runtime
        @2014-01-01 < @2014-01-02 => true
        @2014-01 < @2014-01-15 => null
        @2014-01 < @2014-02-15 => true
        @2014-01-15 = @2014-01 => null
        @2014-01-15 ~ @2014-01 => false
        @2014-01-01T00:00:00.0 = @2014-01-01T00:00:00.000 => true
        @2012-04-01T06:00+06:00 = @2012-04-01T00:00+00:00 => true
        @2012-04-01T00:00 = @2012-04-01T00:00+00:00 => true
        @2024-02-22T00:00:00-05:00 same day as @2024-02-22T04:00:00Z => true
        @2024-02-22T00:00:00-05:00 same hour as @2024-02-22T05:59:00Z => true
        @2024-02-22T10:15:00+05:30 same hour as @2024-02-22T04:55:00Z => true
        @2024-02-22T10:45:00+05:30 same hour as @2024-02-22T04:55:00Z => false
        @2024-01-01 + 5 => !unsupported
        @2014-01-15 same month as @2014-01-20 => true
        @2014-01-15 same day or before @2014-01-15 => true
        @2014-01-15T10 after hour of @2014-01-15T09:30 => true
        @2014 before year of @2015-06 => true
        DateTime(2005, 10, 10) after day of DateTime(2005, 9) => true
        @2012-03-10T10:20:00.999+07:00 after hour of @2012-03-10T08:20:00.999+06:00 => true
        DateTime(2003, 10, 29, 20, 50, 33, 955) => @2003-10-29T20:50:33.955
        DateTime(null) => null
        DateTime(10000, 1, 1) => !runtime
        year from @2014-05 => 2014
        day from @2014-05 => null
        hour from @2014-05-01T10:30 => 10
        date from @2014-05-01T10:30 => @2014-05-01
        time from @2014-05-01T10:30 => @T10:30
        timezoneoffset from @2014-05-01T10:30+05:30 => 5.5
        timezoneoffset from (null as DateTime) => null
        predecessor of DateTime(2000, 1, 1) => @1999-12-31T
        successor of @2014-12 => @2015-01
        successor of DateTime(9999, 12, 31, 23, 59, 59, 999) => !runtime
        minimum Date => @0001-01-01
        maximum Date => @9999-12-31
        HighBoundary(@2014, 6) => @2014-12
        LowBoundary(@2014-01-01T08, 17) => @2014-01-01T08:00:00.000
        HighBoundary(@2014-01-01T08, 17) => @2014-01-01T08:59:59.999
        Precision(@2014-01-05T10:30:00.000) => 17
        Today() => @2024-03-01
        Now() => @2024-03-01T10:30:00.250Z
        TimeOfDay() => @T10:30:00.250
        @2014-02-30 => !invalid
        @2014-01-01T25:00 => !invalid
        """

    static let durations = """
        seconds between @T10:00:00.500 and @T10:00:01 => !unsupported
        hours between @T10:59 and @T11 => !unsupported
        days between @2024-01-01T23:59 and @2024-01-02 => !unsupported
        months between @2005-12-31 and @2010-01 => !unsupported
        years between @2000-06-15 and @2024 >= 24 => null
        years between @2000-06-15 and @2024 >= 23 => true
        years between @2005-05-10 and @2010-05-09 => 4
        years between @2012-02-29 and @2013-02-28 => 0
        months between @2014-01-31 and @2014-02-28 => 0
        days between @2014-01-01 and @2014-02-01 => 31
        weeks between @2014-01-01 and @2014-01-14 => 1
        hours between @2014-01-01T10:00 and @2014-01-02T09:59 => 23
        days between DateTime(2015, 2, 10) and DateTime(2015, 3) => !unsupported
        years between DateTime(2006) and DateTime(2009) => !unsupported
        years between DateTime(2006, 3) and DateTime(2009, 2) => 2
        difference in days between @2024-03-09T00:00:00-05:00 and @2024-03-10T00:00:00-04:00 => 1
        days between @2024-03-09T00:00:00-05:00 and @2024-03-10T00:00:00-04:00 => 0
        days between DateTime(2015, 2, 10) and DateTime(2015, 3) > 17 => true
        days between DateTime(2015, 2, 10) and DateTime(2015, 3) > 18 => null
        days between DateTime(2015, 2, 10) and DateTime(2015, 3) > 50 => false
        difference in years between DateTime(2000) and DateTime(2005, 12) => 5
        difference in months between DateTime(2005) and DateTime(2006, 7) > 5 => true
        difference in days between DateTime(2000, 10, 15, 10, 30) and DateTime(2000, 10, 25, 10, 0) => 10
        difference in weeks between DateTime(2000, 10, 15) and DateTime(2000, 10, 28) => 1
        difference in weeks between DateTime(2000, 10, 15) and DateTime(2000, 10, 29) => 2
        difference in years between DateTime(2016) and DateTime(1998) => -18
        difference in hours between @T20 and @T23:25:15.555 => 3
        duration in days of Interval[@2014-01-01, @2014-01-31] => 30
        difference in milliseconds between DateTime(2000, 10, 10, 10, 5, 45, 500, -6.0) and DateTime(2000, 10, 10, 10, 5, 45, 900, -7.0) => 3600400
        """

    static let times = """
        @T15:59:59.999 + 5 hours => @T20:59:59.999
        @T15:59:59.999 + 1 minute => @T16:00:59.999
        @T10:30 < @T10:31 => true
        @T10 < @T10:30 => null
        Time(12, 30) after hour of Time(11, 55) => true
        predecessor of @T12:00:00.000 => @T11:59:59.999
        predecessor of @T00:00:00.000 => !runtime
        millisecond from @T23:20:15.555 => 555
        ToTime('T14:30:00.0') => @T14:30:00.000
        @T24:00 => !invalid
        @T06:00Z => !invalid
        @T06:00+01:00 => !invalid
        """

    static let intervals = """
        5 in Interval[1, 10] => true
        10 in Interval[1, 10) => false
        9 in Interval[3, null) => null
        2 in Interval[3, null) => false
        9 in Interval[3, null] => true
        Interval[null, 5] contains 10 => false
        Interval[1, 10] contains null => null
        null contains 5 => false
        Interval[1, 10] includes Interval[4, 10] => true
        Interval[1, 10] properly includes Interval[1, 10] => false
        Interval[1, 10] properly includes Interval[4, 10] => true
        null included in Interval[1, 10] => null
        Interval[@2017-09-01T00:00:00, @2017-09-01T00:00:00] included in Interval[@2017-09-01T00:00:00.000, @2017-12-30T23:59:59.999] => null
        Interval[@2017-09-01T00:00:00, @2017-09-01T00:00:00] included in day of Interval[@2017-09-01T00:00:00.000, @2017-12-30T23:59:59.999] => true
        Interval[1, 10] before Interval[11, 20] => true
        Interval[11, 20] after 5 => true
        Interval[1, 10] overlaps Interval[10, 15] => true
        Interval[4, 10) overlaps Interval[10, 20] => false
        Interval[1, 10] overlaps before Interval[4, 10] => true
        Interval[4, 10] overlaps before Interval[4, 10] => false
        Interval[4.0, 15.0] overlaps after Interval[1.0, 10.0] => true
        Interval[1, 10] meets Interval[11, 20] => true
        Interval(null, 5] meets Interval(null, 15) => null
        Interval(null, 5] meets after Interval[11, null) => false
        Interval[3.01, 5.00000001] meets before Interval[5.00000002, 8.50] => true
        Interval[4, 10] starts Interval[4, 15] => true
        Interval[4, 10] ends Interval[1, 10] => true
        Interval[6, 10] on or after 6 => true
        2.5 on or after Interval[1.666, 2.50000001] => false
        Interval[@2012-12-01, @2013-12-01] on or after month of @2012-11-15 => true
        start of Interval(1, 10] => 2
        end of Interval[1.0, 10.0) => 9.99999999
        start of Interval[null as Integer, 10] => -2147483648
        end of Interval[1, null) => null
        width of Interval[1, 10] => 9
        Size(Interval[1, 10]) => 10
        width of Interval[@2014-01-01, @2014-01-05] => !runtime
        point from Interval[3, 3] => 3
        point from Interval[3, 4] => !runtime
        Interval[10, 1] => !runtime
        Interval[1, 10] = Interval(0, 11) => true
        Interval[1, 10] ~ Interval[1, 10] => true
        Interval[null, null] => null
        @2014-01-05 3 days or less before @2014-01-07 => true
        @2014-01-03 3 days or less before @2014-01-07 => false
        @2014-01-04 3 days before @2014-01-07 => true
        @2014-01-01 more than 3 days before @2014-01-07 => true
        @2014-01-05 within 2 days of @2014-01-07 => true
        @2014-01-04 within 2 days of @2014-01-07 => false
        Interval[@2014-01-05, @2014-01-09] starts before @2014-01-07 => true
        Interval[@2014-01-05, @2014-01-09] ends during Interval[@2014-01-01, @2014-01-31] => true
        Interval[@2017-12-20T10:30:00, @2017-12-20T12:00:00] starts 1 day or less on or after day of start of Interval[@2017-12-20T11:00:00, @2017-12-21T21:00:00] => true
        """

    static let intervalSets = """
        Interval[1, 10] union Interval[4, 15] => Interval[1, 15]
        Interval[1, 10] union Interval[44, 50] => null
        Interval[1, 10] intersect Interval[4, 12] => Interval[4, 10]
        Interval[1, 10] intersect Interval[11, 20] => null
        Interval[1, 10] intersect Interval[5, null) => Interval[5, null)
        Interval[1, 10] except Interval[4, 10] => Interval[1, 3]
        Interval[1, 10] except Interval[3, 7] => null
        Interval[1.0, 10.0] except Interval[4.0, 10.0] => Interval[1.0, 3.99999999]
        collapse { Interval[1, 5], Interval[3, 7], Interval[12, 19], Interval[7, 10] } => {Interval[1, 10], Interval[12, 19]}
        collapse { Interval[4, 6], Interval[7, 8] } => {Interval[4, 8]}
        collapse { Interval(null, null) } => {}
        collapse { Interval[@2012-01-01, @2012-01-15], Interval[@2012-01-18, @2012-01-20] } per 3 days => {Interval[@2012-01-01, @2012-01-20]}
        expand { Interval[1, 3] } => {Interval[1, 1], Interval[2, 2], Interval[3, 3]}
        expand Interval[1, 3] => {1, 2, 3}
        expand { Interval[1, 10] } per 2 => {Interval[1, 2], Interval[3, 4], Interval[5, 6], Interval[7, 8], Interval[9, 10]}
        expand { Interval[@2018-01-01, @2018-01-02] } per day => {Interval[@2018-01-01, @2018-01-01], Interval[@2018-01-02, @2018-01-02]}
        expand { Interval[@2018-01-01, @2018-01-04] } per 2 days => {Interval[@2018-01-01, @2018-01-02], Interval[@2018-01-03, @2018-01-04]}
        expand { Interval[@T10, @T10] } per minute => {}
        """

    static let lists = """
        {1, 2, 3} => {1, 2, 3}
        {} => {}
        {1, 2.5} => {1.0, 2.5}
        {1, 2, 3}[1] => 2
        {1, 2, 3}[3] => null
        First({1, 2}) => 1
        Last({1, null}) => null
        {'a', 'b', null} contains null => true
        {null, 'b', 'c'} contains 'a' => false
        null in {} => false
        1 in (null as List<Integer>) => false
        2 in {1, 2} => true
        {1, 2, 3} includes {2} => true
        {1, 2, 3} properly includes {1, 2, 3} => false
        {'a', null} properly includes 'a' => null
        {'a', 'a'} properly includes 'a' => false
        {2} included in {1, 2} => true
        {1, 2} union {2, 3} => {1, 2, 3}
        {1, 2, 3, 4} intersect {2, 4, 6} => {2, 4}
        {1, 2, 3, 4} except {2, 3} => {1, 4}
        {1, 4} except null => {1, 4}
        {1, 4} includes null => null
        null included in {1, 4} => null
        {1, 4} included in null => null
        null properly includes {1, 4} => null
        {1, null} properly includes null => true
        {1, 4} includes (null as Integer) => false
        distinct {1, 1, null, null, 2} => {1, null, 2}
        flatten {{1, 2}, {3}} => {1, 2, 3}
        exists {} => false
        exists {null} => false
        exists {1} => true
        {null} = {null} => true
        {1, 2} = {1, 2, 3} => false
        {1, 2, 3} = {'a', 'b', 'c'} => false
        {} as List<String> = null => null
        IndexOf({'a', 'b'}, 'b') => 1
        IndexOf({'a', 'b'}, 'c') => -1
        Skip({1, 2, 3}, 1) => {2, 3}
        Take({1, 2, 3}, 2) => {1, 2}
        Tail({1, 2, 3}) => {2, 3}
        Length({1, null}) => 2
        singleton from {1} => 1
        singleton from {} => null
        singleton from {1, 2} => !runtime
        Tuple { a: 1, b: 'x' } => Tuple { a: 1, b: 'x' }
        { a: 1, b: 'x' }.b => 'x'
        Tuple { a: 1 } = Tuple { a: 1 } => true
        Tuple { a: 1 } = Tuple { a: 2 } => false
        """

    static let aggregates = """
        Count({15, 5, 99, null, 1}) => 4
        Sum({null, 1, null}) => 1
        Sum({1 'ml', 2 'ml', 3 'ml'}) => 6 'ml'
        Sum({}) => null
        Min({5, 12, 0}) => 0
        Max({'hi', 'bye', 'zebra'}) => 'zebra'
        Avg({1.0, 2.0, 3.0, 6.0}) => 3.0
        Median({6.0, 5.0, 4.0, 3.0, 2.0, 1.0}) => 3.5
        Median({1, 2, 3}) => 2.0
        Mode({2, 1, 8, 2, 9, 1, 9, 9}) => 9
        Variance({1.0, 2.0, 3.0, 4.0, 5.0}) => 2.5
        StdDev({1.0, 2.0, 3.0, 4.0, 5.0}) => 1.58113883
        PopulationVariance({1.0, 2.0, 3.0, 4.0, 5.0}) => 2.0
        PopulationStdDev({1.0, 2.0, 3.0, 4.0, 5.0}) => 1.41421356
        Product({5L, 4L, 5L}) => 100L
        GeometricMean({2.0, 8.0}) => 4.0
        AllTrue({true, null}) => true
        AllTrue({true, false}) => false
        AllTrue(null) => true
        AnyTrue({null, true}) => true
        AnyTrue({}) => false
        """

    static let queries = """
        Count(from (expand Interval[1, 2000]) A, (expand Interval[1, 2000]) B) => !runtime
        Count((expand Interval[1, 2000]) X where exists ((expand Interval[1, 2000]) Y where Y = X)) => !runtime
        ({4, 5, 1, 6, 2, 1}) L sort desc => {6, 5, 4, 2, 1, 1}
        ({1, 2, 3}) X where X > 1 => {2, 3}
        ({1, 2, 3}) X return X * 2 => {2, 4, 6}
        ({1, 1, 2}) X return X => {1, 2}
        ({1, 1, 2}) X return all X => {1, 1, 2}
        ({1, 2, 3}) X let Y: X * X where Y > 1 return Y => {4, 9}
        from ({2, 3}) A, ({5, 6}) B => {Tuple { A: 2, B: 5 }, Tuple { A: 2, B: 6 }, Tuple { A: 3, B: 5 }, Tuple { A: 3, B: 6 }}
        from ({1, 2}) A, ({10, 20}) B return A + B => {11, 21, 12, 22}
        (4) L => 4
        (4) L return 'x' => 'x'
        ({1, 2, 3}) X with ({2, 3}) Y such that X = Y => {2, 3}
        ({1, 2, 3}) X without ({2, 3}) Y such that X = Y => {1}
        ({1, 2, 3, 4, 5}) N aggregate R starting 1: R * N => 120
        ({1, 2, 3}) L aggregate A: A * L => null
        ({1, 1, 2}) N aggregate distinct R starting 0: R + N => 3
        ({Tuple { a: 2, b: 'x' }, Tuple { a: 1, b: 'y' }}) T return T.b sort asc => {'x', 'y'}
        ({Tuple { a: 2 }, Tuple { a: 1 }}) T sort by a => {Tuple { a: 1 }, Tuple { a: 2 }}
        ({@2012-10-05, @2012-01-01, null}) S sort asc => {null, @2012-01-01, @2012-10-05}
        Max(({1, 2, 3}) X return X + 1) => 4
        """
}
