using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Architecture;

/// <summary>The style of errors in CONTRIBUTING ("What a change needs"), read from the sources.</summary>
public sealed class MessagesTests
{
    /// <summary>Words that are written so wherever they stand.</summary>
    private static readonly string[] _names = ["CIFAR", "HF_", "TorchSharp"];

    [Fact]
    public void An_error_begins_in_lower_case_and_ends_without_a_full_stop()
    {
        var files = Directory.GetFiles(Path.Combine(SharedData.RepositoryRoot, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
        var errors = files.SelectMany(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot().DescendantNodes().OfType<ObjectCreationExpressionSyntax>()
            .Where(made => made.Type.ToString() == nameof(SpectralKDException) && made.ArgumentList is { Arguments.Count: > 0 })
            .Select(made => (Path: path, Message: Words(made.ArgumentList!.Arguments[0].Expression)))).Where(error => error.Message.Length > 0).ToList();

        Assert.True(errors.Count > 200, "the sources were not read");
        Assert.Empty(errors.Where(error => (char.IsUpper(error.Message[0]) && !_names.Any(name => error.Message.StartsWith(name, StringComparison.Ordinal)))
            || (error.Message.EndsWith('.') && !error.Message.EndsWith("...", StringComparison.Ordinal))).Select(error => $"{Path.GetFileName(error.Path)}: {error.Message}"));
    }

    // The letters of a message, its first to its last part; what is put in later stands as {}.
    private static string Words(ExpressionSyntax message) => string.Concat(message.DescendantNodesAndSelf(node => node is not (InterpolationSyntax or PatternSyntax)).Select(node => node switch
    {
        LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.StringLiteralExpression) => literal.Token.ValueText,
        InterpolatedStringTextSyntax text => text.TextToken.ValueText,
        InterpolationSyntax => "{}",
        _ => "",
    }));
}
