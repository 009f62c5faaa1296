using Microsoft.DotNet.Interactive.Formatting;

#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive;

/// <summary>A text that no output shows, spelled as in .NET Interactive.</summary>
/// <param name="clearTextPassword">What was typed.</param>
[TypeFormatterSource(typeof(PasswordFormatterSource))]
public sealed class PasswordString(string clearTextPassword)
{
    /// <summary>What was typed.</summary>
    public string GetClearTextPassword() => clearTextPassword;

    /// <summary>Stars, as many for every password.</summary>
    public override string ToString() => HiddenTexts.Stars;
}

/// <summary>Shows a password as stars, also as HTML and within other values.</summary>
internal sealed class PasswordFormatterSource : ITypeFormatterSource
{
    /// <inheritdoc />
    public IEnumerable<ITypeFormatter> CreateTypeFormatters() => [.. SourceFormatter<PasswordString>.For("text/plain"), new SourceFormatter<PasswordString>("text/html")];
}
