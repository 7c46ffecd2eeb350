//! Single characters that are not what they look like: what each is called, and what is written instead of it.
//!
//! **Invariant:** nothing here knows of plans; a character stands for one that a keyboard has, or for none.

/// The characters that editors, chats and word processors put in place of others, and what each is called.
const NAMED: &[(char, &str)] = &[
    ('\t', "TAB"),
    ('\u{a0}', "NO-BREAK SPACE"),
    ('\u{ad}', "SOFT HYPHEN"),
    ('\u{ab}', "LEFT-POINTING DOUBLE ANGLE QUOTATION MARK"),
    ('\u{bb}', "RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK"),
    ('\u{34f}', "COMBINING GRAPHEME JOINER"),
    ('\u{60c}', "ARABIC COMMA"),
    ('\u{115f}', "HANGUL CHOSEONG FILLER"),
    ('\u{1160}', "HANGUL JUNGSEONG FILLER"),
    ('\u{200b}', "ZERO WIDTH SPACE"),
    ('\u{200c}', "ZERO WIDTH NON-JOINER"),
    ('\u{200d}', "ZERO WIDTH JOINER"),
    ('\u{200e}', "LEFT-TO-RIGHT MARK"),
    ('\u{200f}', "RIGHT-TO-LEFT MARK"),
    ('\u{2002}', "EN SPACE"),
    ('\u{2003}', "EM SPACE"),
    ('\u{2009}', "THIN SPACE"),
    ('\u{2010}', "HYPHEN"),
    ('\u{2011}', "NON-BREAKING HYPHEN"),
    ('\u{2012}', "FIGURE DASH"),
    ('\u{2013}', "EN DASH"),
    ('\u{2014}', "EM DASH"),
    ('\u{2018}', "LEFT SINGLE QUOTATION MARK"),
    ('\u{2019}', "RIGHT SINGLE QUOTATION MARK"),
    ('\u{201a}', "SINGLE LOW-9 QUOTATION MARK"),
    ('\u{201c}', "LEFT DOUBLE QUOTATION MARK"),
    ('\u{201d}', "RIGHT DOUBLE QUOTATION MARK"),
    ('\u{201e}', "DOUBLE LOW-9 QUOTATION MARK"),
    ('\u{2022}', "BULLET"),
    ('\u{2026}', "HORIZONTAL ELLIPSIS"),
    ('\u{2028}', "LINE SEPARATOR"),
    ('\u{2029}', "PARAGRAPH SEPARATOR"),
    ('\u{202f}', "NARROW NO-BREAK SPACE"),
    ('\u{2039}', "SINGLE LEFT-POINTING ANGLE QUOTATION MARK"),
    ('\u{203a}', "SINGLE RIGHT-POINTING ANGLE QUOTATION MARK"),
    ('\u{2060}', "WORD JOINER"),
    ('\u{2212}', "MINUS SIGN"),
    ('\u{2800}', "BRAILLE PATTERN BLANK"),
    ('\u{3000}', "IDEOGRAPHIC SPACE"),
    ('\u{3001}', "IDEOGRAPHIC COMMA"),
    ('\u{300c}', "LEFT CORNER BRACKET"),
    ('\u{300d}', "RIGHT CORNER BRACKET"),
    ('\u{300e}', "LEFT WHITE CORNER BRACKET"),
    ('\u{300f}', "RIGHT WHITE CORNER BRACKET"),
    ('\u{3164}', "HANGUL FILLER"),
    ('\u{fe0f}', "VARIATION SELECTOR-16"),
    ('\u{feff}', "BYTE ORDER MARK"),
    ('\u{ff02}', "FULLWIDTH QUOTATION MARK"),
    ('\u{ff03}', "FULLWIDTH NUMBER SIGN"),
    ('\u{ff07}', "FULLWIDTH APOSTROPHE"),
    ('\u{ff0c}', "FULLWIDTH COMMA"),
    ('\u{ff1a}', "FULLWIDTH COLON"),
    ('\u{ff3b}', "FULLWIDTH LEFT SQUARE BRACKET"),
    ('\u{ff3d}', "FULLWIDTH RIGHT SQUARE BRACKET"),
    ('\u{ffa0}', "HALFWIDTH HANGUL FILLER"),
];

/// The letters of other scripts that look like one of ours, and ours: of the confusables of UTS 39 (Unicode 18)
/// those of Cyrillic and Greek that look the same in nearly every font. Not its whole skeleton, to which `rn` is `m`
/// and `1` is `l`: "Modern" and "Modem" are two names.
const CYRILLIC: (&str, &str) = ("АВЕЅЗІЈКМНОРСТУХҮԚԜаеіјорсѕухүһԁԛԝѵ", "ABES3IJKMHOPCTYXYQWaeijopcsyxyhdqwv");
const GREEK: (&str, &str) = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺανορυϲ", "ABEZHIKMNOPTYXCMavopuc");

/// `U+2013 EN DASH`; of a letter of another script `U+0410 (Cyrillic letter)`.
pub(super) fn named(char: char) -> String {
    let code = u32::from(char);
    let script = match code {
        0x370..=0x3ff | 0x1f00..=0x1fff => " (Greek letter)",
        0x400..=0x52f | 0x1c80..=0x1c8f | 0xa640..=0xa69f => " (Cyrillic letter)",
        _ => "",
    };
    match NAMED.iter().find(|(known, _)| *known == char) {
        Some((_, name)) => format!("U+{code:04X} {name}"),
        None => format!("U+{code:04X}{script}"),
    }
}

/// A character for a reader who sees no difference.
pub(super) fn shown(char: char) -> String {
    match char {
        ' ' => "a blank".to_owned(),
        char if char.is_ascii() => format!("`{char}`"),
        char => named(char),
    }
}

/// The character of a keyboard that a reader takes this one for, of letters, hyphens and apostrophes.
pub(super) fn looks_like(char: char) -> char {
    match char {
        char if char.is_ascii() => char,
        char if is_dash(char) => '-',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' => '\'',
        _ => [CYRILLIC, GREEK].iter().find_map(|(theirs, ours)| pair(char, theirs, ours)).unwrap_or(char),
    }
}

fn pair(char: char, theirs: &str, ours: &str) -> Option<char> {
    theirs.chars().zip(ours.chars()).find(|(their, _)| *their == char).map(|(_, our)| our)
}

/// Whether it is one of the dashes that are no hyphen of a keyboard.
pub(super) fn is_dash(char: char) -> bool {
    matches!(char, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
}

/// Whether it opens a quotation in print, and YAML does not know it.
pub(super) fn opens_quote(char: char) -> bool {
    matches!(
        char,
        '“' | '”'
            | '„'
            | '‟'
            | '‘'
            | '‚'
            | '‛'
            | '«'
            | '»'
            | '‹'
            | '›'
            | '「'
            | '『'
            | '＂'
            | '＇'
    )
}

/// Whether it closes one. An apostrophe of print may end a name: `Directors’`.
pub(super) fn closes_quote(char: char) -> bool {
    matches!(char, '’' | '」' | '』') || opens_quote(char)
}

/// A text in single quotes, as YAML reads it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_has_the_one_that_it_looks_like() {
        for (theirs, ours) in [CYRILLIC, GREEK] {
            assert_eq!(theirs.chars().count(), ours.chars().count(), "{theirs}");
            assert!(ours.is_ascii() && theirs.chars().all(|char| !char.is_ascii()), "{theirs}");
        }
        let rows =
            [('А', 'A'), ('Н', 'H'), ('һ', 'h'), ('ν', 'v'), ('–', '-'), ('’', '\''), ('ж', 'ж'), ('A', 'A')];
        for (char, expected) in rows {
            assert_eq!(looks_like(char), expected, "{char}");
        }
    }

    #[test]
    fn a_character_is_named() {
        let rows = [
            ('–', "U+2013 EN DASH"),
            ('А', "U+0410 (Cyrillic letter)"),
            ('Α', "U+0391 (Greek letter)"),
            ('ﬁ', "U+FB01"),
        ];
        for (char, expected) in rows {
            assert_eq!(named(char), expected);
        }
    }
}
