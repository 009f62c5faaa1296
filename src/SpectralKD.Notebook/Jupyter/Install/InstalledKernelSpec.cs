namespace SpectralKD.Notebook.Jupyter.Install;

/// <summary>A kernelspec of this program as Jupyter finds it.</summary>
/// <param name="Name">The name by which notebooks ask for it.</param>
/// <param name="DisplayName">What users read.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Command">Program and arguments.</param>
public sealed record InstalledKernelSpec(string Name, string DisplayName, string Folder, IReadOnlyList<string> Command)
{
    /// <summary>False where the program that it starts is gone: install it again.</summary>
    public bool IsRunnable => Command.Count > 0 && (!Path.IsPathRooted(Command[0]) || File.Exists(Command[0]));
}
