using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace SpectralKD.Notebook.Session;

/// <summary>One error or warning of the compiler in a cell.</summary>
/// <param name="Id">The compiler's, for example <c>CS0103</c>.</param>
/// <param name="Position">Where it begins in the cell.</param>
/// <param name="Line"><c>(2,9): error CS0103: The name 'x' does not exist in the current context</c>; line and column count from 1.</param>
/// <param name="Source">The source line and, below it, carets under what is wrong; empty where the error has no place.</param>
internal sealed partial record CompileError(string Id, int Position, string Line, IReadOnlyList<string> Source)
{
    private const string ForTheShell = ". Is it for the shell? Put it below a line #!bash";

    /// <summary>Puts a diagnostic in words.</summary>
    public static CompileError From(Diagnostic diagnostic, SourceText source, TextEdits edits)
    {
        var kind = diagnostic.Severity == DiagnosticSeverity.Warning ? "warning" : "error";
        var message = $"{kind} {diagnostic.Id}: {InWords(diagnostic.GetMessage(CultureInfo.InvariantCulture))}";
        var span = diagnostic.Location.SourceSpan;
        return diagnostic.Location.IsInSource
            ? At(FileOf(diagnostic), edits.ToOriginal(span.Start), edits.ToOriginal(span.End), diagnostic.Id, message, source)
            : new CompileError(diagnostic.Id, 0, message, []);
    }

    private static CompileError At(string file, int start, int end, string id, string message, SourceText source)
    {
        start = Math.Min(start, source.Length);
        var line = source.Lines.GetLineFromPosition(start);
        var column = start - line.Start;
        var advice = IsForTheShell(line, source) ? ForTheShell : Advice(id, line.ToString(), source.ToString(TextSpan.FromBounds(start, Math.Clamp(end, start, source.Length))));
        var carets = Math.Clamp(end - start, 1, Math.Max(1, line.End - start));
        return new CompileError(
            id,
            start,
            string.Create(CultureInfo.InvariantCulture, $"{file}({line.LineNumber + 1},{column + 1}): {(advice.Length > 0 ? message.TrimEnd('.') : message)}{advice}"),
            [line.ToString(), Indent(line.ToString(), column) + new string('^', carets)]);
    }

    /// <summary>What to write in a cell instead of what a script cannot hold.</summary>
    private static string Advice(string id, string line, string wrong) => id switch
    {
        _ when line.TrimStart().StartsWith("%%", StringComparison.Ordinal) => ". A cell for another language begins with its name, #!bash or #!html, say; #!lsmagic lists them",
        "CS0103" or "CS1002" or "CS1003" or "CS1525" or "CS0246" when line.TrimStart() is ['!', not '=', ..]
            => ForTheShell,
        "CS1109" or "CS9283" => ". In a cell write the extension method by itself, without a class or an extension block: static int Twice(this string text) => …",
        "CS1014" when line.Contains(" with ", StringComparison.Ordinal) => ". In a cell put it in parentheses: (value with { … })",
        "CS0117" when wrong is "Root" or "Current" => ". This notebook host runs C# only: .NET Interactive's objects for kernels are not here",
        "CS8345" => ". In a cell put it, with what uses it, into { }",
        "CS0103" when wrong == "Chart2D" => ". For C# there is #r \"nuget: Plotly.NET.CSharp\", whose Chart is in Plotly.NET.CSharp",
        "CS0103" or "CS0246" => MissingUsings.Advice(wrong.Split('<')[0]),
        _ => "",
    };

    /// <summary>True for a cell's first line that begins as a command does, <c>ls -l</c> say, and a program of that name is installed.</summary>
    private static bool IsForTheShell(TextLine line, SourceText source)
        => CommandLine().Match(line.ToString()) is { Success: true } command && string.IsNullOrWhiteSpace(source.ToString(TextSpan.FromBounds(0, line.Start)))
            && Microsoft.CodeAnalysis.CSharp.SyntaxFacts.GetKeywordKind(command.Groups["name"].Value) == Microsoft.CodeAnalysis.CSharp.SyntaxKind.None
            && (command.Groups["name"].Value is "cd" or "echo" or "export" or "ls" or "dir" or "pwd" || OtherPrograms.OnPath(command.Groups["name"].Value) is not null);

    /// <summary>Without the names that the compiler gives to cells.</summary>
    private static string InWords(string message)
        => TypeNames.WithoutSubmission(SubmissionType().Replace(DeclaredIn().Replace(message, "of ${cell}"), "The cell"));

    /// <summary>A word alone, or one before what no C# goes on with.</summary>
    [GeneratedRegex("""^\s*(?<name>[a-z][a-z0-9_+-]*)(\s+([.~/-]|(?![=({;.?:<>&|+*,!]))[^=({;]*)?\s*$""")]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"^(The t|T)ype 'Submission#\d+'")]
    private static partial Regex SubmissionType();

    /// <summary>What tells two types of one name apart: <c>'C [cell [1](1)]'</c>.</summary>
    [GeneratedRegex(@"\[(?<cell>cell \[\d+\])\(\d+\)\]")]
    private static partial Regex DeclaredIn();

    /// <summary>The running cell needs no name; a file or another notebook's cell does.</summary>
    private static string FileOf(Diagnostic diagnostic)
    {
        var path = diagnostic.Location.SourceTree?.FilePath ?? "";
        return path.StartsWith("cell [", StringComparison.Ordinal) ? "" : Path.GetFileName(path);
    }

    /// <summary>Keeps tabs, so that the caret stands below its character.</summary>
    private static string Indent(string line, int column)
        => string.Concat(line.Take(column).Select(character => character == '\t' ? '\t' : ' ')).PadRight(column);
}

/// <summary>A cell that does not compile.</summary>
internal sealed class CompilationFailed(IReadOnlyList<CompileError> errors) : Exception(errors[0].Line)
{
    // The compiler's own failure after an extension block, which has its error already.
    private const string CompilersOwn = "CS1569";

    /// <summary>The errors, in the order of the source.</summary>
    public IReadOnlyList<CompileError> Errors { get; } = errors;

    /// <summary>Throws where there are errors among the diagnostics.</summary>
    /// <param name="diagnostics">Of the cell as it was compiled.</param>
    /// <param name="source">The cell as the user wrote it.</param>
    /// <param name="edits">What was changed in it before it was compiled.</param>
    public static void ThrowOnErrors(IEnumerable<Diagnostic> diagnostics, SourceText source, TextEdits edits)
    {
        var errors = diagnostics
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => CompileError.From(diagnostic, source, edits))
            .DistinctBy(error => error.Line)
            .OrderBy(error => error.Position)
            .ToImmutableArray();
        if (errors.Length > 0)
        {
            throw new CompilationFailed(errors.Length > 1 ? errors.RemoveAll(error => error.Id == CompilersOwn) : errors);
        }
    }
}

/// <summary>Knows where the public types of the framework and the host are, for names that a cell does not see.</summary>
internal static class MissingUsings
{
    private const int MostNamespaces = 3;
    private static readonly Lazy<ILookup<string, string>> Namespaces = new(FindTypes);

    /// <summary>What to add for a type that the cell names; nothing where there is no such type.</summary>
    public static string Advice(string name)
    {
        if (name is "Tensor" or "nn" or "optim")
        {
            return ". Missing: using static TorchSharp.torch;";
        }

        var found = Namespaces.Value[name].Distinct().OrderByDescending(IsFrameworks).ThenBy(found => found.Length).Take(MostNamespaces)
            .Select(found => $"using {found};").ToArray();
        return found.Length == 0 ? "" : $". Missing: {string.Join(" or ", found)}";
    }

    private static bool IsFrameworks(string name) => name.StartsWith("System", StringComparison.Ordinal);

    private static ILookup<string, string> FindTypes()
        => HostReferences.Common.Concat(HostReferences.Others).OfType<PortableExecutableReference>().SelectMany(TypesOf)
            .ToLookup(type => type.Name, type => type.Namespace);

    private static List<(string Name, string Namespace)> TypesOf(PortableExecutableReference reference)
    {
        var reader = HostReferences.ReaderOf(reference);
        return
        [
            .. reader.TypeDefinitions.Select(reader.GetTypeDefinition)
                .Where(type => (type.Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public && !type.Namespace.IsNil)
                .Select(type => (reader.GetString(type.Name).Split('`')[0], reader.GetString(type.Namespace)))
                .Where(type => !type.Item2.Contains("Internal", StringComparison.Ordinal)),
        ];
    }
}
