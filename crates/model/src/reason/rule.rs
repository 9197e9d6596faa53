//! What a rule cannot say on a server.
//!
//! A rule is translated exactly or not at all: where the server's language has no way to say the same,
//! one of these reasons stands in the report, and the action is unsupported there.

use super::family::family;
use crate::problem::one_line;
use crate::web_kind::WebKind;

family! {
    /// Why an action cannot be said exactly in the language of a server.
    pub enum RuleReason {
        /// The kind of action is none that this server carries out. Nothing is to be done on the server:
        /// the action is meant for something else.
        NotForServer {
            /// The kind of action, as documents name it.
            action: String,
            /// The server.
            server: WebKind,
        } => "not-for-server" ("{action}: it is not for {}", .server.name()),
        /// The action is for one site of IIS, and this is another server.
        ScopeOfIis {
            /// The site that the scope names.
            site: String,
            /// The server.
            server: WebKind,
        } => "scope-of-iis" (
            "its scope names the site `{}` of IIS, and this is {}", one_line(.site), .server.name()
        ),
        /// A pattern of the rule cannot be used. The document is at fault.
        BadPattern {
            /// What is wrong with it.
            why: String,
        } => "bad-pattern" ("a pattern: {why}"),
        /// The rule blocks requests by something of the response, which is not there yet.
        BlocksByResponse {
            /// The field.
            field: String,
        } => "blocks-by-response" ("{field}: a request is blocked before there is a response"),
        /// The version of the server has no way to block that holds for every site. Upgrade the server.
        TooOldToBlock {
            /// The server.
            server: WebKind,
            /// The first version that has one.
            first: String,
        } => "too-old-to-block" ("before version {first} {} has no sure block", .server.name()),
        /// A module without which the server cannot block was left out when it was built.
        BuiltWithout {
            /// The server.
            server: WebKind,
            /// The module.
            module: String,
        } => "built-without" ("{} was built without its {module}", .server.name()),
        /// The module that changes headers is not loaded. Load it, for example with `a2enmod headers`.
        ModuleNotLoaded {
            /// The server.
            server: WebKind,
            /// The module.
            module: String,
        } => "module-not-loaded" (
            "{} changes headers by {module}, which is not loaded", .server.name()
        ),
        /// The server cannot block with this status.
        BlockStatus {
            /// The server.
            server: WebKind,
            /// The status.
            status: u16,
        } => "block-status" ("{} cannot block with the status {status}", .server.name()),
        /// A negation of more than one condition.
        NegatedGroup => "negated-group" ("a negation of several conditions"),
        /// The field is decoded in a way that no pattern over what was sent can express.
        Decoding {
            /// The field.
            field: String,
        } => "decoding" ("{field}: only percent-encoding, decoded once, can be told in a pattern"),
        /// The pattern, written out for the server, is longer than the server reads.
        PatternTooLong {
            /// The field.
            field: String,
            /// The most bytes.
            most: usize,
        } => "pattern-too-long" (
            "{field}: the pattern is longer than {most} bytes when it is written out"
        ),
        /// The pattern, written out for the server, makes the server's engine remember more than it can.
        TooManyRepetitions {
            /// The field.
            field: String,
        } => "too-many-repetitions" (
            "{field}: its repetitions are more than a server's engine has room for"
        ),
        /// The pattern, written out for the server, is more than the server's engine compiles.
        PatternTooLarge {
            /// The field.
            field: String,
        } => "pattern-too-large" (
            "{field}: it is too large for a server's engine when it is compiled"
        ),
        /// A word boundary in a value that is decoded: no pattern over what was sent can say where it is.
        DecodedBoundary {
            /// The field.
            field: String,
        } => "decoded-boundary" ("{field}: a word boundary in decoded text cannot be expressed"),
        /// A word boundary where the path begins: the server shows something else before it.
        BoundaryAtSlash {
            /// The field.
            field: String,
        } => "boundary-at-slash" (
            "{field}: a word boundary before the first slash depends on what stands before that"
        ),
        /// A `^` that is not at the head of the pattern.
        InnerStart {
            /// The field.
            field: String,
        } => "inner-start" ("{field}: a `^` comes after something else"),
        /// The pattern looks ahead. The document can say the same with a condition for each part.
        LookAhead {
            /// The field.
            field: String,
        } => "look-ahead" ("{field}: it looks ahead; write each part as a condition"),
        /// The pattern refers back to a group.
        BackReference {
            /// The field.
            field: String,
        } => "back-reference" ("{field}: it refers back to a group"),
        /// The server does not show the whole body of a request to a rule.
        NoBody {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
        } => "no-body" ("{field}: {} shows no whole body to a rule", .server.name()),
        /// No argument or cookie can have the name that the rule looks for.
        ImpossibleName {
            /// The field.
            field: String,
            /// What is looked for: `argument` or `cookie`.
            what: String,
        } => "impossible-name" ("{field}: no {what} has such a name"),
        /// The server shows the host of an absolute target in the place of the header `Host`.
        HostReplaced {
            /// The server.
            server: WebKind,
        } => "host-replaced" (
            "host: {} replaces it by the authority of an absolute target", .server.name()
        ),
        /// The version of the server shows only the first of several headers of one name. Upgrade it.
        FirstHeaderOnly {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
            /// The first version that shows all.
            first: String,
        } => "first-header-only" (
            "{field}: before version {first} {} shows only the first of repeated headers", .server.name()
        ),
        /// The server joins several headers `Cookie` so that single cookies cannot be told apart.
        CookiesJoined {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
        } => "cookies-joined" (
            "{field}: {} joins Cookie headers by a comma, which can also be in a value", .server.name()
        ),
        /// The server shows no names of headers to a rule.
        NoHeaderNames {
            /// The server.
            server: WebKind,
        } => "no-header-names" ("header-names: {} shows none", .server.name()),
        /// The server shows names of headers in lower case, and the rule minds the case.
        LowerCaseNames {
            /// The server.
            server: WebKind,
        } => "lower-case-names" ("header-names: {} shows them in lower case", .server.name()),
        /// The server does not show all headers to a rule.
        NotAllHeaders {
            /// The server.
            server: WebKind,
        } => "not-all-headers" ("any-header: {} does not show all headers", .server.name()),
        /// The name of a header is none that can be written in the server's configuration.
        HeaderName {
            /// The header.
            header: String,
            /// The server.
            server: WebKind,
        } => "header-name" (
            "the header `{}` cannot be named to {}", one_line(.header), .server.name()
        ),
        /// The server joins or parts headers of one name, and the rule would see how. A document that looks
        /// for a text within a value is not affected.
        JoinedHeaders {
            /// The field.
            field: String,
            /// The operator of the test.
            operator: String,
        } => "joined-headers" (
            "{field}: {operator} would see how the server joins or parts repeated headers; use contains"
        ),
        /// The server shows what is missing as empty, and an empty value passes the test.
        MissingIsEmpty {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
        } => "missing-is-empty" (
            "{field}: an empty value passes, and {} takes a missing {field} for one", .server.name()
        ),
        /// The server can add a header to a response and cannot change one.
        OnlyAddsHeaders {
            /// The server.
            server: WebKind,
        } => "only-adds-headers" (
            "{} can only add a response header, not change one", .server.name()
        ),
        /// The server itself works by this header, or writes it itself.
        FramingHeader {
            /// The header.
            header: String,
        } => "framing-header" (
            "{header}: the server itself works by it, and no rule may change it"
        ),
        /// The server cannot append a text to a header's value.
        NoAppending => "no-appending" (
            "no server but IIS appends a text to a header's value as it is"
        ),
        /// The value of a header has characters that mean something in a server's language.
        ValueNotPlain {
            /// The value.
            value: String,
        } => "value-not-plain" (
            "`{}`: quotes, `\\`, `$`, `%`, control characters and what is beyond ASCII are more than \
             themselves in a server's language",
            one_line(.value)
        ),
        /// A header is set to nothing, which a server takes for removing it.
        EmptyValue => "empty-value" ("an empty value is taken for a header that is removed"),
        /// The value of a header begins like an expression of the server's language.
        ValueIsExpression {
            /// The value.
            value: String,
            /// The server.
            server: WebKind,
        } => "value-is-expression" (
            "`{}`: {} reads it as an expression", one_line(.value), .server.name()
        ),
        /// A media type is not encoded, and the rule decodes it. The document is at fault.
        MediaTypeNotEncoded {
            /// The field.
            field: String,
        } => "media-type-not-encoded" ("{field}: a media type is not encoded"),
        /// The server does not show all headers of a response to a rule.
        NotAllResponseHeaders {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
        } => "not-all-response-headers" (
            "{field}: {} does not show all headers of a response", .server.name()
        ),
        /// The server no longer has the request when it has the response.
        RequestGone {
            /// The field.
            field: String,
            /// The server.
            server: WebKind,
        } => "request-gone" ("{field}: {} no longer has the request then", .server.name()),
        /// Another rule may have changed what the rule looks at before there is a response.
        MayHaveChanged {
            /// The field.
            field: String,
        } => "may-have-changed" ("{field}: a rule may have changed it before the response"),
        /// The rule can hold in more ways than are written, each of which is a line of the server's
        /// configuration.
        TooManyWays {
            /// The most ways.
            most: usize,
        } => "too-many-ways" ("it can hold in more than {most} ways"),
        /// More conditions than a line of the server's configuration has words for.
        LineTooLong {
            /// The server.
            server: WebKind,
            /// The most conditions.
            most: usize,
        } => "line-too-long" (
            "more than {most} conditions are too long a line for {}", .server.name()
        ),
        /// IIS sets or removes a request header, and cannot append to one.
        AppendsToRequest => "appends-to-request" (
            "a request header is set or removed, not appended to"
        ),
        /// The kernel writes the header where IIS leaves it out, so no rule removes it.
        WrittenByKernel {
            /// The header.
            header: String,
        } => "written-by-kernel" (
            "response-header:{header}: the kernel writes it where IIS leaves it out"
        ),
        /// IIS reads braces in a value as a template.
        BracesAreTemplate {
            /// The value.
            value: String,
        } => "braces-are-template" ("`{}`: IIS reads braces as a template", one_line(.value)),
        /// A text has characters of which it is not documented what IIS makes of them.
        BeyondAscii {
            /// The text.
            value: String,
        } => "beyond-ascii" (
            "`{}`: what IIS makes of characters beyond ASCII and of control characters is not documented",
            one_line(.value)
        ),
        /// IIS shows the parameters behind a media type, and the pattern could see them.
        SeesParameters {
            /// The field.
            field: String,
        } => "sees-parameters" (
            "{field}: the pattern could see the parameters behind it; use equals or starts-with"
        ),
        /// The text is none that can be in a media type. The document is at fault.
        NoMediaType {
            /// The field.
            field: String,
        } => "no-media-type" ("{field}: a media type has no `;` and no blank at its ends"),
        /// The rule has no condition. The document is at fault.
        NoCondition => "no-condition" ("it has no condition"),
        /// The conditions are nested. The publisher can write two actions.
        NestedConditions => "nested-conditions" (
            "an IIS rule has one list of conditions, all or any; write two actions"
        ),
        /// The rule looks for an empty text. The document is at fault.
        EmptyText => "empty-text" ("an empty text would match every request"),
        /// IIS joins the values of a repeated header, and the rule would see that.
        JoinedByIis {
            /// The field.
            field: String,
            /// The operator of the test.
            operator: String,
        } => "joined-by-iis" (
            "{field}: IIS joins a repeated header by commas, and {operator} would see it; use contains"
        ),
        /// IIS shows what is missing as empty, and an empty value passes the test.
        MissingIsEmptyOnIis {
            /// The field.
            field: String,
        } => "missing-is-empty-on-iis" (
            "{field}: the pattern matches an empty value, and IIS takes a missing {field} for one"
        ),
        /// IIS shows nothing to a condition that says the same as the path. The publisher can use `uri`.
        PathOnIis => "path-on-iis" (
            "path: IIS has no condition input that says the same; use uri"
        ),
        /// IIS shows nothing to a condition that says the same as the field.
        NoInput {
            /// The field.
            field: String,
        } => "no-input" ("{field}: IIS has no condition input that says the same"),
        /// IIS shows no body to a rule.
        NoBodyOnIis {
            /// The field.
            field: String,
        } => "no-body-on-iis" ("{field}: IIS rules see no body"),
        /// The name of a header is none that IIS makes a variable of.
        NoVariable {
            /// The field, such as `header:x_y`.
            field: String,
        } => "no-variable" ("{field}: IIS names a header by letters, digits and dashes"),
        /// The variable that would be the header has another meaning in IIS.
        OtherVariable {
            /// The field, such as `header`.
            field: String,
            /// The variable.
            variable: String,
        } => "other-variable" ("{field}: {variable} is a server variable of another meaning in IIS"),
        /// What IIS makes of several headers `Set-Cookie` is not documented.
        SeveralSetCookie {
            /// The header, as it is written.
            header: String,
        } => "several-set-cookie" (
            "response-header:{header}: what IIS makes of several Set-Cookie headers is not documented"
        ),
        /// IIS decodes a value once, and only from percent-encoding.
        DecodingOnIis {
            /// The field.
            field: String,
        } => "decoding-on-iis" ("{field}: IIS decodes once, and only percent-encoding"),
    }
}
