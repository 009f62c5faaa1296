namespace SpectralKD.Notebook.Session.Running;

/// <summary>
/// A question that a running cell asks through <c>Console.ReadLine</c>, <c>GetInputAsync</c>, <c>GetPasswordAsync</c>, or <c>@input</c> and <c>@password</c> on a
/// magic line.
/// </summary>
/// <param name="Prompt">The question; empty for <c>Console.ReadLine</c>, whose question the cell has written before.</param>
/// <param name="IsPassword">True where the answer is not to be shown.</param>
/// <param name="Variable">The variable that <c>#!set</c> or <c>#!value</c> puts the answer into; empty where there is none.</param>
public sealed record InputRequest(string Prompt, bool IsPassword, string Variable = "");
