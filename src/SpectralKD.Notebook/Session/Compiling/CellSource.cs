namespace SpectralKD.Notebook.Session.Compiling;

/// <summary>What a cell's assembly was compiled from.</summary>
/// <param name="Name">What errors call it: <c>cell [3]</c> or a file.</param>
/// <param name="Code">The C# as the user wrote it.</param>
internal sealed record CellSource(string Name, string Code);
