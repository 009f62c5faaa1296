using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Session;

/// <summary>
/// What a new cell sees of all submissions before it, told by one short script: their <c>using</c>s, and of each name the newest variable, function or
/// type. A variable is declared by its type, a function without its body. Binding a cell on top of it costs the same after five hundred cells as after one.
/// Where a type that a later one hides is still in use, by a variable that was made before, it stands in a script of its own before that of the later one.
/// </summary>
internal sealed class MergedSubmissions
{
    /// <summary>What the names begin with that the scripts need for themselves.</summary>
    public const string OwnPrefix = "__spectralkd_";

    private Dictionary<CSharpCompilation, Declared[]> _known = [];

    /// <summary>The scripts, each of which builds on the one before; mostly a single one.</summary>
    /// <param name="last">The newest submission.</param>
    public IReadOnlyList<string> Scripts(CSharpCompilation last)
    {
        var submissions = new List<CSharpCompilation>();
        for (var current = last; current is not null; current = current.ScriptCompilationInfo!.PreviousScriptCompilation)
        {
            submissions.Add(current);
        }

        _known = submissions.ToDictionary(submission => submission, submission => _known.GetValueOrDefault(submission) ?? DeclaredIn(submission));
        var kept = Kept(submissions);
        var writer = new ScriptWriter();
        foreach (var submission in Enumerable.Reverse(submissions))
        {
            writer.Add(((CompilationUnitSyntax)submission.SyntaxTrees[0].GetRoot()).Usings, [.. _known[submission].Where(kept.Contains)]);
        }

        return writer.Scripts;
    }

    private static Declared[] DeclaredIn(CSharpCompilation submission)
        => [.. submission.ScriptClass!.GetMembers()
            .Where(member => !member.IsImplicitlyDeclared && member.CanBeReferencedByName
                && member is not (IFieldSymbol { AssociatedSymbol: not null } or IMethodSymbol { AssociatedSymbol: not null }))
            .Select(member => new Declared(member, [.. SubmissionTypes.MentionedBy(member)]))];

    /// <summary>The newest of each name, of functions each overload, and the hidden types that these need.</summary>
    private HashSet<Declared> Kept(IEnumerable<CSharpCompilation> newestFirst)
    {
        var types = new Dictionary<string, Declared>();
        var hiding = new HashSet<string>();
        var kept = new HashSet<Declared>();
        foreach (var names in newestFirst.Select(submission => _known[submission]))
        {
            kept.UnionWith(names.Where(declared => !declared.HiddenBy.Any(hiding.Contains)));
            hiding.UnionWith(names.SelectMany(declared => declared.Hides));
            foreach (var type in names.Where(declared => declared.Symbol is INamedTypeSymbol))
            {
                types[SubmissionTypes.KeyOf((INamedTypeSymbol)type.Symbol)] = type;
            }
        }

        var needing = new Queue<Declared>(kept);
        while (needing.TryDequeue(out var declared))
        {
            foreach (var needed in declared.Types.Select(types.GetValueOrDefault).OfType<Declared>().Where(kept.Add))
            {
                needing.Enqueue(needed);
            }
        }

        return kept;
    }

    /// <summary>Something that a submission declares.</summary>
    /// <param name="Symbol">What it is.</param>
    /// <param name="Types">The keys of the submissions' types that its declaration mentions.</param>
    private sealed record Declared(ISymbol Symbol, string[] Types)
    {
        private readonly string _name = Symbol is INamedTypeSymbol ? Symbol.MetadataName : Symbol.Name;

        private string? Overload { get; } = Symbol is IMethodSymbol ? Symbol.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat) : null;

        /// <summary>A function hides what is none; another function only where it has the same parameters.</summary>
        public IEnumerable<string> Hides => Overload is null ? ["any " + _name] : ["other " + _name, Overload];

        public IEnumerable<string> HiddenBy => Overload is null ? ["any " + _name, "other " + _name] : ["any " + _name, Overload];

        public bool Equals(Declared? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }

    /// <summary>Finds the types that submissions declare within other types.</summary>
    private static class SubmissionTypes
    {
        public static string KeyOf(INamedTypeSymbol type) => $"{type.ContainingAssembly.Name}/{type.MetadataName}";

        public static IEnumerable<string> MentionedBy(ISymbol symbol) => symbol switch
        {
            IFieldSymbol field => KeysIn(field.Type),
            IEventSymbol member => KeysIn(member.Type),
            IPropertySymbol property => property.Parameters.Select(parameter => parameter.Type).Prepend(property.Type).SelectMany(KeysIn),
            IMethodSymbol method => method.Parameters.Select(parameter => parameter.Type).Prepend(method.ReturnType).SelectMany(KeysIn),
            INamedTypeSymbol type => type.Interfaces.SelectMany(KeysIn).Concat(type.BaseType is { } parent ? KeysIn(parent) : [])
                .Concat(type.GetMembers().SelectMany(MentionedBy)).Distinct(),
            _ => [],
        };

        private static IEnumerable<string> KeysIn(ITypeSymbol type) => In(type).Select(KeyOf);

        public static IEnumerable<INamedTypeSymbol> In(ITypeSymbol type) => type switch
        {
            IArrayTypeSymbol array => In(array.ElementType),
            IPointerTypeSymbol pointer => In(pointer.PointedAtType),
            INamedTypeSymbol { IsAnonymousType: true } => type.GetMembers().OfType<IPropertySymbol>().SelectMany(property => In(property.Type)),
            INamedTypeSymbol { ContainingType.IsScriptClass: true } named => named.TypeArguments.SelectMany(In).Prepend(named.OriginalDefinition),
            INamedTypeSymbol named => named.TypeArguments.SelectMany(In).Concat(named.ContainingType is { } outer ? In(outer) : []),
            _ => [],
        };
    }

    private sealed class ScriptWriter
    {
        private static readonly SymbolDisplayFormat Spelled = SymbolDisplayFormat.FullyQualifiedFormat;
        private readonly List<StringBuilder> _usings = [new()];
        private readonly List<StringBuilder> _members = [new()];
        private readonly Dictionary<string, int> _scriptOfType = [];
        private readonly Dictionary<string, string> _newestTypes = [];
        private readonly Dictionary<string, string> _aliases = [];
        private readonly HashSet<string> _imported = [];
        private int _own;

        public IReadOnlyList<string> Scripts => [.. _usings.Zip(_members, (usings, members) => $"{usings}{members}")];

        /// <summary>Adds a submission, the oldest first.</summary>
        public void Add(IEnumerable<UsingDirectiveSyntax> usings, IReadOnlyList<Declared> names)
        {
            var types = names.Select(declared => declared.Symbol).OfType<INamedTypeSymbol>().ToArray();
            var directives = usings.ToArray();
            if (types.Any(type => IsIn(_members.Count - 1, _newestTypes.GetValueOrDefault(type.MetadataName))) || directives.Any(IsAnotherMeaning))
            {
                _usings.Add(new StringBuilder());
                _members.Add(new StringBuilder());
                _aliases.Clear();
                _imported.Clear();
            }

            foreach (var directive in directives.Where(directive => _imported.Add(directive.ToString())))
            {
                _usings[^1].AppendLine(directive.ToString());
                if (directive.Alias is { } alias)
                {
                    _aliases[alias.Name.ToString()] = directive.ToString();
                }
            }

            foreach (var type in types)
            {
                _newestTypes[type.MetadataName] = SubmissionTypes.KeyOf(type);
                _scriptOfType[SubmissionTypes.KeyOf(type)] = _members.Count - 1;
            }

            foreach (var (symbol, _) in names)
            {
                _members[^1].Append(Documentation(symbol)).AppendLine(Declaration(symbol));
            }
        }

        private bool IsIn(int script, string? type) => type is not null && _scriptOfType[type] == script;

        private bool IsAnotherMeaning(UsingDirectiveSyntax directive)
            => directive.Alias is { } alias && _aliases.TryGetValue(alias.Name.ToString(), out var known) && known != directive.ToString();

        private string Declaration(ISymbol symbol) => symbol switch
        {
            IFieldSymbol { HasConstantValue: true } constant when ConstantOf(constant) is { } value
                => $"const {constant.Type.ToDisplayString(Spelled)} @{constant.Name} = {value};",
            IFieldSymbol field when HasHole(field.Type) => $"var @{field.Name} = {ValueOf(field.Type)};",
            IFieldSymbol field => $"{(field.IsStatic ? "static " : "")}{(field.IsReadOnly ? "readonly " : "")}{field.Type.ToDisplayString(Spelled)} @{field.Name};",
            _ => string.Join('\n', symbol.DeclaringSyntaxReferences.Select(reference => WithoutBody(reference.GetSyntax()))),
        };

        private static string WithoutBody(SyntaxNode node) => node switch
        {
            MethodDeclarationSyntax { Body: { } body } => Until(node, body.SpanStart) + "=> throw null;",
            MethodDeclarationSyntax { ExpressionBody: { } body } => Until(node, body.SpanStart) + "=> throw null;",
            VariableDeclaratorSyntax { Parent.Parent: EventFieldDeclarationSyntax member } => member.ToString(),
            _ => node.ToString(),
        };

        private static string Until(SyntaxNode node, int end) => node.SyntaxTree.GetText().ToString(Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(node.SpanStart, end));

        /// <summary>Documentation stands before the declaration as comments, which a cell's compilation does not read.</summary>
        private static string Documentation(ISymbol symbol)
        {
            var node = symbol.DeclaringSyntaxReferences[0].GetSyntax();
            var comments = (node.FirstAncestorOrSelf<MemberDeclarationSyntax>() ?? node).GetLeadingTrivia()
                .Where(trivia => trivia.ToString().StartsWith("///", StringComparison.Ordinal) || trivia.ToString().StartsWith("/**", StringComparison.Ordinal))
                .Select(trivia => trivia.ToString() + "\n");
            return string.Concat(comments);
        }

        /// <summary>A constant's value as it was written, where that means the same here; null where C# has no literal for it.</summary>
        private static string? ConstantOf(IFieldSymbol field)
        {
            var written = (field.DeclaringSyntaxReferences[0].GetSyntax() as VariableDeclaratorSyntax)?.Initializer?.Value;
            if (written is LiteralExpressionSyntax or PrefixUnaryExpressionSyntax { Operand: LiteralExpressionSyntax }
                || (written is MemberAccessExpressionSyntax && field.Type.TypeKind == TypeKind.Enum))
            {
                return written.ToString();
            }

            return field.ConstantValue switch
            {
                null => "null",
                double or float when !double.IsFinite(Convert.ToDouble(field.ConstantValue, CultureInfo.InvariantCulture)) => null,
                string or bool or char or int or double => Literal(field.ConstantValue),
                var number => $"({field.Type.ToDisplayString(Spelled)})({Literal(number)})",
            };
        }

        private static string? Literal(object value) => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false);

        /// <summary>A type that C# has no name for here: an anonymous one, or one that a later type hides.</summary>
        private bool IsHole(ITypeSymbol type)
            => type.IsAnonymousType || (type is INamedTypeSymbol { ContainingType.IsScriptClass: true }
                && _newestTypes.GetValueOrDefault(type.MetadataName) != SubmissionTypes.KeyOf(((INamedTypeSymbol)type).OriginalDefinition));

        private bool HasHole(ITypeSymbol type) => IsHole(type) || type switch
        {
            IArrayTypeSymbol array => HasHole(array.ElementType),
            INamedTypeSymbol named => named.TypeArguments.Any(HasHole) || (named.ContainingType is { IsScriptClass: false } outer && HasHole(outer)),
            _ => false,
        };

        /// <summary>An expression of a type, which is inferred where it has no name.</summary>
        private string ValueOf(ITypeSymbol type)
        {
            if (type is INamedTypeSymbol { IsAnonymousType: true, TypeKind: TypeKind.Class })
            {
                var members = type.GetMembers().OfType<IPropertySymbol>().Select(property => $"@{property.Name} = {ValueOf(property.Type)}");
                return $"new {{ {string.Join(", ", members)} }}";
            }

            if (!HasHole(type))
            {
                return $"default({type.ToDisplayString(Spelled)})";
            }

            var name = OwnPrefix + ++_own;
            if (IsHole(type))
            {
                // Where it is not hidden yet.
                var script = _scriptOfType.GetValueOrDefault(SubmissionTypes.KeyOf(((INamedTypeSymbol)type).OriginalDefinition));
                _members[script].AppendLine($"static {type.ToDisplayString(Spelled)} {name}() => throw null;");
                return $"{name}()";
            }

            var holes = new List<ITypeSymbol>();
            var spelled = Spell(type, holes);
            var parameters = string.Join(", ", holes.Select((_, index) => $"T{index} t{index}"));
            var typeParameters = string.Join(", ", holes.Select((_, index) => $"T{index}"));
            _members[^1].AppendLine($"static {spelled} {name}<{typeParameters}>({parameters}) => throw null;");
            return $"{name}({string.Join(", ", holes.Select(ValueOf))})";
        }

        /// <summary>The type's name with a type parameter for each hole.</summary>
        private string Spell(ITypeSymbol type, List<ITypeSymbol> holes)
        {
            if (IsHole(type))
            {
                holes.Add(type);
                return $"T{holes.Count - 1}";
            }

            switch (type)
            {
                case IArrayTypeSymbol:
                    var ranks = "";
                    var element = type;
                    for (; element is IArrayTypeSymbol array; element = array.ElementType)
                    {
                        ranks += $"[{new string(',', array.Rank - 1)}]";
                    }

                    return Spell(element, holes) + ranks;
                case INamedTypeSymbol { IsTupleType: true } tuple:
                    return $"({string.Join(", ", tuple.TupleElements.Select(item => $"{Spell(item.Type, holes)} @{item.Name}"))})";
                case INamedTypeSymbol { TypeArguments.Length: > 0 } generic:
                    var bare = generic.ToDisplayString(Spelled.WithGenericsOptions(SymbolDisplayGenericsOptions.None));
                    return $"{bare}<{string.Join(", ", generic.TypeArguments.Select(argument => Spell(argument, holes)))}>";
                default:
                    return type.ToDisplayString(Spelled);
            }
        }
    }
}
