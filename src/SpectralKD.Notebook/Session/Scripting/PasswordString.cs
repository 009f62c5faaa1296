#pragma warning disable IDE0130 // .NET Interactive's namespace: its notebooks run here unchanged.

namespace Microsoft.DotNet.Interactive;

/// <summary>A text that no output shows, spelled as in .NET Interactive.</summary>
/// <param name="clearTextPassword">What was typed.</param>
public sealed class PasswordString(string clearTextPassword)
{
    /// <summary>What was typed.</summary>
    public string GetClearTextPassword() => clearTextPassword;

    /// <summary>Stars, as many for every password.</summary>
    public override string ToString() => "************";
}
