namespace SpectralKD.Notebook.Running;

/// <summary>What a process gives to an unattended notebook: a current directory, and no keyboard to wait for. Disposing restores both.</summary>
internal sealed class RunSurroundings : IDisposable
{
    private readonly TextReader _input = Console.In;
    private readonly string? _directory;

    public RunSurroundings(string? workingDirectory)
    {
        if (workingDirectory is not null)
        {
            _directory = Environment.CurrentDirectory;
            Enter(workingDirectory);
        }
        Console.SetIn(new NobodyAtTheKeyboard());
    }

    public void Dispose()
    {
        Console.SetIn(_input);
        if (_directory is not null)
        {
            Environment.CurrentDirectory = _directory;
        }
    }

    private static void Enter(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new SpectralKDException($"there is no folder {folder} to run the notebook in");
        }
        Environment.CurrentDirectory = folder;
    }

    private sealed class NobodyAtTheKeyboard : TextReader
    {
        public override int Peek() => throw Refusal();

        public override int Read() => throw Refusal();

        public override int Read(char[] buffer, int index, int count) => throw Refusal();

        public override string? ReadLine() => throw Refusal();

        public override string ReadToEnd() => throw Refusal();

        private static SpectralKDException Refusal()
            => new("the cell asks for input, but a notebook that runs unattended has none; make it a parameter instead");
    }
}
