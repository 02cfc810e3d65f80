//! Whether Apache can parse an expression, as `<If>` has it: its tokens and grammar. Judges no name of a variable, function
//! or operator, which modules bring, and compiles no pattern.

/// Parsed deeper than this, an expression is not judged.
const DEEPEST: usize = 500;
const UNTERMINATED: &str = "Unterminated string or variable";
/// Longer pieces of text than this are refused by Apache.
const LONGEST: usize = 8192;

/// Why Apache does not take an expression: words of its own message, and a sentence without a full stop.
pub fn refuses(text: &[u8]) -> Option<(&'static str, &'static str)> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let parsed = parser.expression().and_then(|()| match parser.token()? {
        Token::End => Ok(()),
        Token::Close => Err(Refusal::Because("a `)` closes nothing")),
        _ => Err(Refusal::Because(
            "`&&` or `||` is missing between two parts of it",
        )),
    });
    match parsed {
        Err(Refusal::Because(why)) => Some(("syntax error", why)),
        Err(Refusal::Scanner(apache, why)) => Some((apache, why)),
        Ok(()) | Err(Refusal::TooDeep) => None,
    }
}

enum Refusal {
    /// The grammar.
    Because(&'static str),
    /// Before the grammar, with Apache's words.
    Scanner(&'static str, &'static str),
    TooDeep,
}

type Parsed<T = ()> = Result<T, Refusal>;

/// What the text outside of quotes, variables and patterns falls into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    True,
    False,
    And,
    Or,
    Not,
    /// Compares two words.
    Compare,
    In,
    /// Compares a word with a pattern.
    Matches,
    Concatenate,
    /// `-X`
    Unary,
    /// `-name`, also a number for Apache's older expressions.
    Binary,
    Number,
    Name,
    /// `$0` to `$9`
    Reference,
    Quote(u8),
    /// `%{`
    Variable,
    /// `/.../` or `m` with another byte for the slashes.
    Pattern,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Colon,
    End,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Parsed {
        self.deeper(|parser| {
            loop {
                parser.term()?;
                let behind = parser.at;
                if !matches!(parser.token()?, Token::And | Token::Or) {
                    parser.at = behind;
                    return Ok(());
                }
            }
        })
    }

    fn term(&mut self) -> Parsed {
        let mut start = self.at;
        let mut first = self.token()?;
        while first == Token::Not {
            start = self.at;
            first = self.token()?;
        }
        match first {
            Token::True | Token::False => Ok(()),
            Token::Unary => self.word(),
            Token::Open => {
                self.expression()?;
                self.expect(Token::Close, "a `(` is not closed")
            }
            Token::End => Err(Refusal::Because("something is missing at its end")),
            _ => {
                self.at = start;
                self.word()?;
                match self.token()? {
                    Token::Compare | Token::Binary => self.word(),
                    Token::In => self.list(),
                    Token::Matches => match self.token()? {
                        Token::Pattern => Ok(()),
                        _ => Err(Refusal::Because(
                            "a pattern must be between slashes, as in `=~ /.../`",
                        )),
                    },
                    _ => Err(Refusal::Because(
                        "a word alone is not a condition; compare it, as in `%{HTTP_HOST} == 'name'`",
                    )),
                }
            }
        }
    }

    fn list(&mut self) -> Parsed {
        match self.token()? {
            Token::OpenList => loop {
                self.word()?;
                match self.token()? {
                    Token::Comma => {}
                    Token::CloseList => return Ok(()),
                    _ => {
                        return Err(Refusal::Because(
                            "the words of a list must be written as in `{'a', 'b'}`",
                        ));
                    }
                }
            },
            Token::Name => self.argument(),
            _ => Err(Refusal::Because(
                "a list must be in braces, as in `-in {'a', 'b'}`",
            )),
        }
    }

    /// Words that are joined by dots.
    fn word(&mut self) -> Parsed {
        loop {
            match self.token()? {
                Token::Number | Token::Reference => {}
                Token::Quote(quote) => self.quoted(quote)?,
                Token::Variable => self.variable()?,
                Token::Name => self.argument()?,
                Token::End => return Err(Refusal::Because("something is missing at its end")),
                _ => {
                    return Err(Refusal::Because(
                        "a word is a text in quotes, a number, a `%{...}` or a function with its argument",
                    ));
                }
            }
            let behind = self.at;
            if self.token()? != Token::Concatenate {
                self.at = behind;
                return Ok(());
            }
        }
    }

    /// What stands behind the name of a function.
    fn argument(&mut self) -> Parsed {
        const WHY: &str = "a text needs quotes, and a function its argument in parentheses";
        self.expect(Token::Open, WHY)?;
        self.deeper(Parser::word)?;
        self.expect(Token::Close, WHY)
    }

    fn expect(&mut self, token: Token, why: &'static str) -> Parsed {
        match self.token()? == token {
            true => Ok(()),
            false => Err(Refusal::Because(why)),
        }
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == DEEPEST {
            return Err(Refusal::TooDeep);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Behind `%{`: `NAME}` or `NAME:TEXT}`.
    fn variable(&mut self) -> Parsed {
        const UNCLOSED: &str = "a `%{` is not closed; end it with `}`";
        let name = self.rest();
        let length = match name.first() {
            Some(byte) if byte.is_ascii_alphabetic() => identifier(name),
            None => return Err(Refusal::Scanner(UNTERMINATED, UNCLOSED)),
            Some(_) => return Err(Refusal::Because("the name of a variable starts with a letter")),
        };
        self.at += length;
        match self.next() {
            Some(b'}') => Ok(()),
            Some(b':') => match self.rest().first() {
                Some(b'}') => Err(Refusal::Because("an argument is missing after a `:`")),
                _ => self.deeper(|parser| parser.text_up_to(b'}', UNCLOSED)),
            },
            None => Err(Refusal::Scanner(UNTERMINATED, UNCLOSED)),
            Some(_) => Err(Refusal::Because(
                "the name of a variable holds letters, digits and `_` only",
            )),
        }
    }

    fn quoted(&mut self, quote: u8) -> Parsed {
        self.text_up_to(quote, "a quote is not closed")
    }

    /// Text with variables in it, up to a quote or to the brace that ends an argument.
    fn text_up_to(&mut self, end: u8, unclosed: &'static str) -> Parsed {
        let mut length = 0;
        loop {
            match self.next() {
                None | Some(b'\n') => return Err(Refusal::Scanner(UNTERMINATED, unclosed)),
                Some(byte) if byte == end => return Ok(()),
                Some(b'\\') => {
                    self.escape()?;
                    length += 1;
                }
                Some(b'%') if self.rest().starts_with(b"{") => {
                    self.at += 1;
                    self.deeper(Parser::variable)?;
                    length = 0;
                }
                Some(b'$') if self.rest().first().is_some_and(u8::is_ascii_digit) => {
                    self.at += 1;
                    length = 0;
                }
                Some(b'"' | b'\'') if end == b'}' => {
                    return Err(Refusal::Scanner(
                        "flex scanner jammed",
                        "the argument inside a `%{...}` takes no quotes",
                    ));
                }
                Some(_) => length += 1,
            }
            if length >= LONGEST {
                return Err(Refusal::Scanner(
                    "String too long",
                    "a text in it is longer than 8191 bytes",
                ));
            }
        }
    }

    /// Behind a backslash.
    fn escape(&mut self) -> Parsed {
        let rest = self.rest();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let octal = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
        let octal = octal.count();
        self.at += match (digits, octal) {
            (0, _) if rest.is_empty() => {
                return Err(Refusal::Scanner(
                    "flex scanner jammed",
                    "nothing follows a backslash",
                ));
            }
            (0, _) => 1,
            (digits, octal) if digits > octal => {
                return Err(Refusal::Scanner(
                    "Bad escape sequence",
                    "a backslash is followed by up to three octal digits, or by none",
                ));
            }
            (_, 3) if rest[0] > b'3' => {
                return Err(Refusal::Scanner(
                    "Escape sequence out of bound",
                    "a byte can be at most `\\377`",
                ));
            }
            (_, octal) => octal,
        };
        Ok(())
    }

    /// A pattern that is never closed ends the expression, which may be complete before it.
    fn pattern(&mut self, length: usize, end: u8) -> Parsed<Token> {
        self.at += length;
        let closing = memchr::memchr(end, self.rest());
        if closing.unwrap_or(self.rest().len()) >= LONGEST {
            return Err(Refusal::Scanner(
                "Regexp too long",
                "a pattern in it is longer than 8191 bytes",
            ));
        }
        let Some(closing) = closing else {
            self.at = self.text.len();
            return Ok(Token::End);
        };
        self.at += closing + 1;
        if self.rest().first() == Some(&b'i') {
            self.at += 1;
        }
        Ok(Token::Pattern)
    }

    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// The next token; the longest one that there is, as Apache's scanner takes it.
    fn token(&mut self) -> Parsed<Token> {
        while let Some(b' ' | b'\t' | b'\n') = self.text.get(self.at) {
            self.at += 1;
        }
        let rest = self.rest();
        let second = rest.get(1).copied().unwrap_or(0);
        let (length, token) = match rest {
            [] => (0, Token::End),
            [quote @ (b'"' | b'\''), ..] => (1, Token::Quote(*quote)),
            [b'%', b'{', ..] => (2, Token::Variable),
            [b'$', digit, ..] if digit.is_ascii_digit() => (2, Token::Reference),
            [b'/', ..] => return self.pattern(1, b'/'),
            [b'=' | b'!', b'~', ..] => (2, Token::Matches),
            [b'=' | b'!' | b'<' | b'>', b'=', ..] => (2, Token::Compare),
            [b'=' | b'<' | b'>', ..] => (1, Token::Compare),
            [b'!', ..] => (1, Token::Not),
            [b'&', b'&', ..] => (2, Token::And),
            [b'|', b'|', ..] => (2, Token::Or),
            [b'.', ..] => (1, Token::Concatenate),
            [b'(', ..] => (1, Token::Open),
            [b')', ..] => (1, Token::Close),
            [b'{', ..] => (1, Token::OpenList),
            [b'}', ..] => (1, Token::CloseList),
            [b',', ..] => (1, Token::Comma),
            [b':', ..] => (1, Token::Colon),
            [b'-', name @ ..] if second.is_ascii_alphabetic() || second == b'_' => {
                let length = identifier(name);
                let token = match &name[..length] {
                    b"in" => Token::In,
                    b"eq" | b"ne" | b"ge" | b"le" | b"gt" | b"lt" => Token::Compare,
                    [_] => Token::Unary,
                    _ => Token::Binary,
                };
                (length + 1, token)
            }
            [b'-', digits @ ..] if second.is_ascii_digit() => (1 + number(digits), Token::Number),
            [b'0'..=b'9', ..] => (number(rest), Token::Number),
            [first, ..] if first.is_ascii_alphabetic() => match (identifier(rest), rest) {
                (1, [b'm', end, ..]) if b"/#$%^,;:?|-!.'\"".contains(end) => return self.pattern(2, *end),
                (2, [b'm', b'_', ..]) => return self.pattern(2, b'_'),
                (length, _) => (length, named(&rest[..length])),
            },
            _ => {
                return Err(Refusal::Scanner(
                    "Parse error near",
                    "it holds a character that has no meaning outside quotes",
                ));
            }
        };
        self.at += length;
        Ok(token)
    }
}

fn named(name: &[u8]) -> Token {
    match name {
        b"true" => Token::True,
        b"false" => Token::False,
        b"and" => Token::And,
        b"or" => Token::Or,
        b"not" => Token::Not,
        b"in" => Token::In,
        b"lt" | b"le" | b"gt" | b"ge" | b"ne" | b"eq" => Token::Compare,
        _ => Token::Name,
    }
}

/// How long the name at the start is.
fn identifier(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count()
}

fn number(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::refuses;

    #[test]
    fn expressions_as_apache_parses_them() {
        for (text, good) in [
            ("true", true),
            ("%{HTTP_HOST} == 'a'", true),
            ("%{REQUEST_URI} =~ m#^/x#i && ! -f '/a'", true),
            ("'a' in {'b', \"c\"} || (false and not true)", true),
            ("tolower('A' . $1) -strmatch '%{req:X}*'", true),
            ("5 -eq -5", true),
            ("'\\101\\'%x$y}'=''", true),
            ("", false),
            ("'a'", false),
            ("a == 'a'", false),
            ("'a' == 'a' 'b'", false),
            ("'a' == b", false),
            ("(true", false),
            ("true)", false),
            ("%{X", false),
            ("%{_X} == ''", false),
            ("%{req:} == ''", false),
            ("%{req:'x'} == ''", false),
            ("'\\8' == ''", false),
            ("'\\1234' == ''", false),
            ("'\\400' == ''", false),
            ("'a' =~ 'b'", false),
            ("'a' =~ /b", false),
            ("true /b", true),
            ("'a' == m_b", false),
            ("true & false", false),
            ("true\r", false),
        ] {
            assert_eq!(refuses(text.as_bytes()).is_none(), good, "{text}");
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        for text in ["(".repeat(100_000), "%{a:".repeat(100_000), "a(".repeat(100_000)] {
            assert_eq!(refuses(text.as_bytes()), None);
        }
        assert_eq!(refuses(format!("{}true", "! ".repeat(100_000)).as_bytes()), None);
    }
}
