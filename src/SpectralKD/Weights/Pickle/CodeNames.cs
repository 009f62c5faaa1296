namespace SpectralKD.Weights.Pickle;

/// <summary>
/// Names by which a pickle would run code in Python. This reader runs nothing, whatever a pickle names; but a file that asks for them is no
/// checkpoint, or one that attacks whoever opens it elsewhere, and is refused by name.
/// </summary>
internal static class CodeNames
{
    private const int LongestName = 200;

    private static readonly HashSet<string> Modules = new(
        ("os posix nt sys subprocess importlib imp runpy shutil socket ctypes _ctypes pickle _pickle cPickle dill cloudpickle marshal shelve code codeop pty "
        + "commands popen2 webbrowser pip asyncio multiprocessing threading _thread signal tempfile ssl http urllib urllib2 httplib requests httpx aiohttp "
        + "ftplib smtplib telnetlib operator _operator inspect gc atexit site sysconfig distutils setuptools timeit cProfile pdb bdb doctest pydoc idlelib "
        + "tkinter io _io builtins mmap ensurepip venv zipimport zipapp linecache").Split(' '), StringComparer.Ordinal);

    private static readonly string[] Starts =
    [
        "types.FunctionType", "types.CodeType", "types.LambdaType", "types.MethodType", "types.ModuleType", "torch.hub.", "torch.jit.",
        "torch.load", "torch.save", "torch.serialization.load", "torch.ops.", "torch.classes.", "torch.package.", "torch.fx.",
        "torch.utils.cpp_extension.", "torch.utils.model_zoo.", "torch.utils.bottleneck.", "torch.utils.collect_env.", "torch._inductor.",
        "torch._dynamo.", "torch.compile", "torch.distributed.rpc.", "numpy.testing.", "numpy.f2py.", "numpy.distutils.", "numpy.load", "numpy.fromfile",
        "numpy.memmap", "copyreg.add_extension", "copyreg.pickle", "functools.reduce", "pathlib.Path.", "yaml.",
    ];

    /// <summary>True for a name that no checkpoint has for its data: it runs code, reaches behind a class, or is no Python name at all.</summary>
    public static bool RunsCode(string module, string name)
    {
        var full = $"{module}.{name}";
        return full.Length > LongestName || !full.All(IsNameCharacter) || module.Length == 0
            || Modules.Contains(module.Split('.', 2)[0]) || Starts.Any(start => full.StartsWith(start, StringComparison.Ordinal))
            || full.Split('.').Any(part => part.Length == 0 || (part.StartsWith("__", StringComparison.Ordinal) && part.EndsWith("__", StringComparison.Ordinal)
                && part is not "__main__"));
    }

    private static bool IsNameCharacter(char c) => char.IsLetterOrDigit(c) || c is '_' or '.' or '-' or '<' or '>';
}
