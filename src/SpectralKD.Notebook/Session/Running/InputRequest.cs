namespace SpectralKD.Notebook.Session.Running;

/// <summary>A question that a running cell asks through <c>Console.ReadLine</c>, <c>GetInputAsync</c> or <c>GetPasswordAsync</c>.</summary>
/// <param name="Prompt">The question; empty for <c>Console.ReadLine</c>, whose question the cell has written before.</param>
/// <param name="IsPassword">True where the answer is not to be shown.</param>
public sealed record InputRequest(string Prompt, bool IsPassword);
